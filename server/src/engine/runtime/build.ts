import type { FlowSettings } from '@millrace/shared/flow/records/settings.ts';
import { createRandom, hashText } from '@millrace/shared/util/random.ts';
import type { PayloadCheck } from '../io.ts';
import type { ExecutionPlan, PlannedConsumer, PlannedProducer, PlannedTopic } from '../plan/plan.ts';
import { createByteMarks } from './backlog.ts';
import type { ConsumerRuntime, Lane, Subscription, TopicRuntime } from './consumer.ts';
import type { Core, ProducerRuntime } from './core.ts';
import { createCounter } from './counters.ts';
import { neverHoldsUp } from './failures.ts';
import { createWrites } from './groups.ts';
import { createDedup } from './idempotency.ts';
import {
  ITEM_BYTES_GUESS,
  WINDOW_BYTES_MAX,
  WINDOW_BYTES_MIN,
  WINDOW_BYTES_PER_NODE,
  WINDOW_MESSAGES_MAX,
  WINDOW_MESSAGES_MIN,
  WINDOW_MESSAGES_PER_NODE,
} from './limits.ts';
import { needsMaintenance } from './maintenance.ts';
import { createInstances } from './rebalance.ts';
import { RecordList } from './recordList.ts';
import { createRedrives } from './redriveJob.ts';
import { NOWHERE } from './traces.ts';
import { createWakeHeap } from './wakes.ts';

export type EngineOptions = {
  plan: ExecutionPlan;
  runId: string;
  seed: number;
  settings: FlowSettings;
  checkPayload?: PayloadCheck;
};

/** The state of a core that has not started. */
export function buildCore({ plan, runId, seed, settings, checkPayload }: EngineOptions): Core {
  const topics = new Map(plan.topics.map((planned) => [planned.topic, buildTopic(planned)]));
  const consumers = plan.consumers.map((planned) => buildConsumer(planned, topics, seed, settings));
  const producers = plan.producers.map((planned) => buildProducer(planned, topics, seed));
  return {
    plan,
    runId,
    seed,
    settings,
    checkPayload,
    random: createRandom(`${seed}:jitter`),
    nowMs: 0,
    startedMs: 0,
    effects: [],
    records: new RecordList(),
    lines: [],
    status: 'created',
    ending: null,
    drainUntilMs: null,
    topics,
    consumers,
    producers,
    consumersById: new Map(consumers.map((consumer) => [consumer.planned.node, consumer])),
    producersById: new Map(producers.map((producer) => [producer.planned.node, producer])),
    counters: [...producers, ...topics.values(), ...consumers].map(({ counter }) => counter),
    writes: createWrites(),
    wakes: createWakeHeap(),
    wakeAtMs: undefined,
    flights: new Map(),
    prepared: [],
    fenced: new Map(),
    fetches: new Map(),
    reads: new Map(),
    nextId: 1,
    careful: { active: false, holder: null, turn: 0 },
    crashedLanes: [],
    seeks: [],
    faults: new Map(),
    dirtyFaults: [],
    faultRandom: createRandom(`${seed}:faults`),
    repeated: new WeakSet(),
    steps: { waiting: [], current: null },
    ingest: { requests: [], bytes: 0 },
    maintenance: { needed: plan.topics.some(needsMaintenance), underWay: false, dueMs: 0 },
    redrives: createRedrives(),
    tracesEmitted: 0,
    tracesPending: 0,
  };
}

function buildTopic(planned: PlannedTopic): TopicRuntime {
  return {
    planned,
    counter: createCounter(planned.topic),
    starts: new Array<number>(planned.partitions).fill(0),
    ends: new Array<number>(planned.partitions).fill(0),
    sizes: Array.from({ length: planned.partitions }, createByteMarks),
    openAppends: new Array<null>(planned.partitions).fill(null),
    sticky: 0,
    stickyCount: 0,
    unplaced: { ...NOWHERE, topic: planned.topic },
    readers: [],
    trouble: null,
  };
}

function topicsOf(ids: Iterable<string>, topics: Map<string, TopicRuntime>): TopicRuntime[] {
  return [...new Set(ids)].map((id) => topics.get(id) as TopicRuntime);
}

function buildConsumer(
  planned: PlannedConsumer,
  topics: Map<string, TopicRuntime>,
  seed: number,
  settings: FlowSettings,
): ConsumerRuntime {
  const { pacing } = planned.operator;
  const outputs = [...Object.values(planned.outputs).flat(), ...planned.deadLetterTopics];
  const consumer: ConsumerRuntime = {
    planned,
    counter: createCounter(planned.node),
    subscriptions: [],
    outputTopics: topicsOf(outputs, topics),
    seed: hashText(`${seed}:${planned.node}`) >>> 0,
    ready: [],
    group: { generation: 0, paused: false, instances: createInstances(planned.instances) },
    flights: 0,
    flightsMax: reachesStateTwice(planned) ? 1 : Number.POSITIVE_INFINITY,
    meanUs: null,
    windowMessages: 0,
    windowBytes: 0,
    state: new Map(),
    stateEntries: 0,
    timers: new Map(),
    dedup: createDedup(planned.idempotency),
    exceptFor: new Set(planned.retry.exceptFor.split(/[\s,]+/).filter((code) => code !== '')),
    goesOn: neverHoldsUp(planned),
    // The first message does not wait for its share of a second.
    pace: pacing === null ? null : { ...pacing, tokens: Math.max(1, pacing.burst), atMs: 0 },
    trouble: null,
  };
  for (const { edgeId, topic: id, backlog } of planned.subscriptions) {
    const topic = topics.get(id) as TopicRuntime;
    const subscription: Subscription = {
      edgeId,
      consumer,
      topic,
      lanes: [],
      backlog: 0,
      backlogBytes: 0,
      backlogMax: backlog?.messages ?? settings.backlogMessagesMax,
      backlogBytesMax: backlog?.bytes ?? settings.backlogBytesMax,
    };
    for (let partition = 0; partition < topic.planned.partitions; partition++)
      subscription.lanes.push(buildLane(subscription, partition));
    consumer.subscriptions.push(subscription);
    topic.readers.push(subscription);
  }
  const lanes = Math.max(
    1,
    consumer.subscriptions.reduce((sum, subscription) => sum + subscription.lanes.length, 0),
  );
  consumer.windowMessages = clamp(
    Math.floor(WINDOW_MESSAGES_PER_NODE / lanes),
    WINDOW_MESSAGES_MIN,
    WINDOW_MESSAGES_MAX,
  );
  consumer.windowBytes = clamp(Math.floor(WINDOW_BYTES_PER_NODE / lanes), WINDOW_BYTES_MIN, WINDOW_BYTES_MAX);
  return consumer;
}

/** State of one key may be reached from several topics: then their messages are handled one invocation at a time. */
function reachesStateTwice({ operator, subscriptions }: PlannedConsumer): boolean {
  return operator.keepsState && operator.stateScope === 'key' && subscriptions.length > 1;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function buildLane(subscription: Subscription, partition: number): Lane {
  const { consumer, topic } = subscription;
  return {
    consumer,
    subscription,
    topic,
    partition,
    entryKey: `${consumer.planned.node}/${topic.planned.topic}/${partition}`,
    keylessScope: `partition:${topic.planned.topic}/${partition}`,
    owner: -1,
    nextOwner: -1,
    window: [],
    head: 0,
    windowBytes: 0,
    ahead: 0,
    tried: 0,
    strands: new Map(),
    readyStrands: [],
    flights: 0,
    fetchFrom: 0,
    fetchId: null,
    fetchFailures: 0,
    fetchAtMs: 0,
    finished: 0,
    committing: 0,
    committed: 0,
    committedBytes: 0,
    settled: 0,
    settledMessages: 0,
    jumpTo: 0,
    finishedMessages: 0,
    unacknowledged: 0,
    entryStored: false,
    noted: [],
    taken: [],
    closedTries: [],
    closedDone: [],
    endedUnsaid: false,
    restoredDone: new Set(),
    restoredTries: new Map(),
    redeliveredUntil: 0,
    queued: false,
    inGroup: false,
    carefulUntil: 0,
    suspects: new Set(),
  };
}

function buildProducer(
  planned: PlannedProducer,
  topics: Map<string, TopicRuntime>,
  seed: number,
): ProducerRuntime {
  return {
    planned,
    counter: createCounter(planned.node),
    topics: topicsOf(planned.topics, topics),
    random: createRandom(`${seed}:${planned.node}`),
    buffer: [],
    head: 0,
    readCursor: null,
    producedCursor: null,
    reading: false,
    sourceDone: planned.operator.pacing.mode === 'pushed',
    itemBytesMean: ITEM_BYTES_GUESS,
    unacknowledged: 0,
    // The first message does not wait for its share of a second.
    tokens: 1,
    pacedMs: 0,
    shiftMs: 0,
    pausedAtMs: null,
    wakeAtMs: 0,
    blocked: null,
    dropping: null,
    failure: null,
    error: null,
    trouble: null,
    inGroup: false,
  };
}
