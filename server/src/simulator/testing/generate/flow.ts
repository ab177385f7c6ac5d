import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { Idempotency, RetryPolicy } from '@millrace/shared/flow/records/delivery.ts';
import type { SourceItem } from '../../../engine/io.ts';
import type { NativeEvent, NativeHandler } from '../../nativeHandler.ts';
import type { VirtualCommand, VirtualSource } from '../../virtualOptions.ts';
import { START_MS } from '../../virtualRun.ts';
import { type FlowBuilder, flow, listSource } from '../flowBuilder.ts';
import { chance, type Dice, oneOf, share, upTo } from './dice.ts';
import { type Behaviour, ledgerHandler } from './ledger.ts';
import { generatePushes } from './pushes.ts';

/** A flow that was drawn at random, its inputs and the code of its nodes. */
export type GeneratedFlow = {
  document: FlowDocument;
  sources: Record<string, VirtualSource>;
  handlers: Record<string, NativeHandler>;
  /** Ids each producer makes, doubled ones as often as they are made. */
  produced: Record<string, string[]>;
  attemptUsMax: number;
  /** Requests to HTTP producers. A run that has such a producer goes on until it is stopped. */
  pushes: VirtualCommand[];
};

const TOPICS_MAX = 6;
const ITEMS_MAX = 60;
/** Most producers go on for about as long as things go wrong: what happens to a run that is over tests nothing. */
const LASTS_SECONDS_MAX = 3.5;
/** Longest attempts: mostly as short as those of real code, sometimes so long that crashes find many under way. */
const ATTEMPT_US_MAX = [400, 400, 20_000, 60_000];
/** Topics that are further down than this get little: every fan-out doubles what comes behind it. */
const LAYERS_MAX = 5;

type Drawing = {
  dice: Dice;
  builder: FlowBuilder;
  topics: string[];
  partitions: Record<string, number>;
  flow: Omit<GeneratedFlow, 'document'>;
  /** Topics that something is written to. */
  written: Set<string>;
  /** Some of its nodes end the run when they cannot go on; few flows have any, because most of a run is behind that. */
  mayFail: boolean;
};

export function generateFlow(name: string, dice: Dice): GeneratedFlow {
  const drawing: Drawing = {
    dice,
    builder: flow(name),
    topics: [],
    partitions: {},
    flow: { sources: {}, handlers: {}, produced: {}, pushes: [], attemptUsMax: oneOf(dice, ATTEMPT_US_MAX) },
    written: new Set(),
    mayFail: share(dice, 0.08),
  };
  const topics = 1 + upTo(dice, TOPICS_MAX);
  for (let index = 0; index < topics; index++) drawTopic(drawing, `t${index}`);
  const producers = 1 + upTo(dice, 2);
  for (let index = 0; index < producers; index++) drawProducer(drawing, `p${index}`);
  if (share(dice, 0.2)) drawHttp(drawing, 'h0');
  const consumers = 1 + upTo(dice, Math.min(8, topics + 3));
  for (let index = 0; index < consumers; index++) drawConsumer(drawing, `c${index}`, index);
  drawing.builder.settings({ backlogMessagesMax: oneOf(dice, [5, 20, 100, 10_000]) });
  return { document: drawing.builder.document(), ...drawing.flow };
}

function drawTopic({ dice, builder, topics, partitions }: Drawing, name: string): void {
  const cleanup = share(dice, 0.08) ? ('compact' as const) : ('delete' as const);
  partitions[name] = 1 + upTo(dice, 8);
  topics.push(name);
  const schemaPolicy = oneOf(dice, ['reject', 'dead-letter', 'flag'] as const);
  const schema = share(dice, 0.15) ? ('schema:any' as const) : null;
  builder.node('topic', name, {
    partitions: partitions[name],
    key: share(dice, 0.4) ? 'group' : '',
    cleanup,
    retentionMessages: cleanup === 'delete' && share(dice, 0.1) ? 5 + upTo(dice, 40) : 0,
    schema,
    schemaPolicy,
  });
  if (schema === null || schemaPolicy !== 'dead-letter' || share(dice, 0.7)) return;
  builder.node('topic', `${name}-misfits`, { partitions: 1 + upTo(dice, 2) });
  builder.edges(`${name}.dead-letter > ${name}-misfits`);
}

function drawProducer(drawing: Drawing, name: string): void {
  const { dice, builder, mayFail } = drawing;
  const total = 5 + upTo(dice, ITEMS_MAX);
  const keyed = share(dice, 0.6);
  const doubled = share(dice, 0.4);
  const ids = Array.from({ length: total }, (_, index) =>
    doubled && index > 3 && share(dice, 0.2) ? `${name}-${index - 1 - upTo(dice, 3)}` : `${name}-${index}`,
  );
  const lastsSeconds = 0.1 + dice.next() * LASTS_SECONDS_MAX;
  const speed = share(dice, 0.25)
    ? { mode: 'full' as const }
    : { mode: 'rate' as const, ratePerSecond: Math.ceil(total / lastsSeconds) };
  const whenFull = share(dice, 0.85) ? ('block' as const) : ('drop' as const);
  builder.node('replay', name, { speed, whenFull: mayFail && share(dice, 0.4) ? 'fail' : whenFull });
  drawTargets(drawing, name);
  drawing.flow.produced[`node:${name}`] = ids;
  drawing.flow.sources[`node:${name}`] = listSource(total, (index): Partial<SourceItem> => {
    const number = Number((ids[index] as string).split('-')[1]);
    return {
      id: ids[index] as string,
      key: keyed ? `k${number % 7}` : null,
      data: JSON.stringify({ number, group: `g${number % 5}` }),
    };
  });
}

function drawTargets({ dice, builder, topics, written }: Drawing, name: string): void {
  const targets =
    share(dice, 0.2) && topics.length > 1
      ? topics.slice(0, 2)
      : [topics[upTo(dice, 2) % topics.length] as string];
  for (const topic of targets) {
    builder.edges(`${name} > ${topic}`);
    written.add(topic);
  }
}

function drawHttp(drawing: Drawing, name: string): void {
  const { dice, builder } = drawing;
  const whenFull = oneOf(dice, ['block', 'drop', 'fail'] as const);
  builder.node('http', name, { key: share(dice, 0.3) ? 'group' : '', whenFull });
  drawTargets(drawing, name);
  drawing.flow.pushes.push(...generatePushes(dice, name, START_MS));
}

function drawConsumer(drawing: Drawing, name: string, index: number): void {
  const { dice, builder, topics, written } = drawing;
  const readable = topics.filter((topic) => written.has(topic));
  const from = oneOf(dice, readable);
  const layer = topics.indexOf(from);
  const later = topics.slice(layer + 1, LAYERS_MAX + 1);
  const kind =
    later.length === 0
      ? 'log'
      : oneOf(dice, [
          'handler',
          'handler',
          'handler',
          'handler',
          'handler',
          'filter',
          'transform',
          'route',
          'throttle',
          'batch',
          'log',
        ] as const);
  if (kind === 'handler') drawHandler(drawing, name, index, from, later);
  else if (kind === 'log') {
    builder.node('log', name, delivery(drawing)).edges(`${from} > ${name}`);
    drawDeadLetters(drawing, name);
  } else {
    drawPassing(drawing, name, kind);
    builder.edges(`${from} > ${name}`);
    const ports = kind === 'route' ? ['large', 'otherwise'] : ['out'];
    for (const port of ports) {
      const to = oneOf(dice, later);
      builder.edges(`${name}.${port} > ${to}`);
      written.add(to);
    }
    const handler = PASSING_CODE[kind];
    if (handler) drawing.flow.handlers[`node:${name}`] = handler;
    drawDeadLetters(drawing, name);
  }
}

type PassingKind = 'filter' | 'transform' | 'route' | 'throttle' | 'batch';

const numberOf = (event: NativeEvent): number => (event.data as { number?: number }).number ?? 0;

/** What stands for the expressions of these nodes. Of three outputs of a route, one leads nowhere. */
const PASSING_CODE: Partial<Record<PassingKind, NativeHandler>> = {
  filter: (event, ctx) => {
    if (numberOf(event) !== 3) ctx.emit('out', null);
  },
  transform: (event, ctx) => {
    if (numberOf(event) !== 4) ctx.emit('out', { ...(event.data as object), seen: true });
  },
  route: (event, ctx) => {
    const number = numberOf(event);
    ctx.emit(number > 20 ? 'large' : number % 5 === 0 ? 'small' : 'otherwise', null);
  },
};

/** Nodes that take what a topic holds, and pass it on in their own way. */
function drawPassing(drawing: Drawing, name: string, kind: PassingKind): void {
  const { dice, builder } = drawing;
  const common = delivery(drawing);
  if (kind === 'filter' || kind === 'transform' || kind === 'route') builder.node(kind, name, common);
  else if (kind === 'throttle')
    builder.node('throttle', name, {
      ...common,
      ratePerSecond: 50 + upTo(dice, 500),
      burst: 1 + upTo(dice, 10),
    });
  else
    builder.node('batch', name, {
      ...common,
      items: 1 + upTo(dice, 10),
      waitMs: 1 + upTo(dice, 400),
      scope: chance(dice, 0.5, 'key', 'partition'),
      // What a batch collects is state that goes with the commit, one message after the other.
      guarantee: 'exactly-once',
      order: 'partition',
    });
}

function drawHandler(drawing: Drawing, name: string, index: number, from: string, later: string[]): void {
  const { dice, builder, topics, written } = drawing;
  const fanOut = share(dice, 0.2) && later.length > 1;
  const first = oneOf(dice, later);
  const targets = fanOut
    ? [
        first,
        oneOf(
          dice,
          later.filter((topic) => topic !== first),
        ),
      ]
    : [first];
  builder.node('handler', name, delivery(drawing)).edges(`${from} > ${name}`);
  const layer = topics.indexOf(from);
  const second = topics.find((topic, at) => at < layer && written.has(topic));
  if (second !== undefined && share(dice, 0.2)) builder.edges(`${second} > ${name}`);
  for (const topic of targets) {
    builder.edges(`${name} > ${topic}`);
    written.add(topic);
  }
  const behaviour: Behaviour = {
    targets,
    drops: share(dice, 0.3) ? 0.3 : 0,
    failsAlways: share(dice, 0.5) ? 0.15 : 0,
    failsOnce: share(dice, 0.4) ? 0.2 : 0,
    schedules: share(dice, 0.2) ? 0.2 : 0,
    scheduleMs: upTo(dice, 500),
  };
  drawing.flow.handlers[`node:${name}`] = ledgerHandler(behaviour, index * 16);
  drawDeadLetters(drawing, name);
}

/** Sometimes a topic of its own for dead letters; else the automatic one is used. */
function drawDeadLetters({ dice, builder }: Drawing, name: string): void {
  if (!share(dice, 0.25)) return;
  builder.node('topic', `${name}-letters`, { partitions: 1 + upTo(dice, 3) });
  builder.edges(`${name}.dead-letter > ${name}-letters`);
}

function delivery({ dice, mayFail }: Drawing) {
  const afterLastAttempt = share(dice, 0.8) ? ('dead-letter' as const) : ('skip' as const);
  return {
    guarantee: oneOf(dice, ['exactly-once', 'exactly-once', 'at-least-once', 'at-most-once'] as const),
    order: oneOf(dice, ['partition', 'key', 'none'] as const),
    retry: retryPolicy(dice),
    afterLastAttempt: mayFail && share(dice, 0.3) ? ('stop' as const) : afterLastAttempt,
    idempotency: idempotency(dice),
    instances: share(dice, 0.5) ? 1 : 1 + upTo(dice, 4),
    concurrency: 1 + upTo(dice, 4),
    whenDeleted: share(dice, 0.8) ? ('earliest' as const) : ('latest' as const),
  };
}

function retryPolicy(dice: Dice): RetryPolicy {
  return {
    attemptsMax: 1 + upTo(dice, 4),
    backoff: oneOf(dice, ['fixed', 'exponential'] as const),
    delayMs: upTo(dice, 200),
    delayMsMax: 500,
    jitter: dice.next(),
    order: chance(dice, 0.7, 'in-order', 'out-of-order'),
    exceptFor: share(dice, 0.1) ? 'HANDLER_THREW' : '',
  };
}

/** Windows that hold everything a run makes: duplicates never outlive them. */
const KEYS_ENOUGH = 100_000;
const TIME_ENOUGH_MS = 86_400_000;

function idempotency(dice: Dice): Idempotency {
  if (!share(dice, 0.4)) return { window: 'off' };
  const key = share(dice, 0.7) ? '' : 'number';
  return share(dice, 0.5)
    ? { window: 'count', key, keys: KEYS_ENOUGH }
    : { window: 'time', key, forMs: TIME_ENOUGH_MS };
}
