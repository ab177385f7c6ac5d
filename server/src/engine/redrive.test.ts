import {
  REDRIVES_MAX,
  type RedriveProgress,
  type RedriveSelection,
} from '@millrace/shared/deadLetters/redrive.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { describe, expect, it } from 'vitest';
import type { MemoryLog } from '../brokers/memory/memoryLog.ts';
import { checkCommitted, checkCounters, readAll } from '../simulator/checkers.ts';
import type { NativeHandler } from '../simulator/nativeHandler.ts';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import {
  runVirtual,
  type VirtualCommand,
  type VirtualRunOptions,
  type VirtualRunResult,
} from '../simulator/virtualRun.ts';
import type { EngineCommand } from './io.ts';

const TOTAL = 120;
const LETTERS = 'node:work.dead-letters';
const once = {
  attemptsMax: 1,
  backoff: 'fixed' as const,
  delayMs: 0,
  delayMsMax: 0,
  jitter: 0,
  order: 'in-order' as const,
  exceptFor: '',
};

/** A hook keeps the run going after the recording is over. `work` fails; `other` reads the same topic and does not. */
function repair(retry = once) {
  return flow()
    .node('replay', 'source', { speed: { mode: 'full' } })
    .node('http', 'hook')
    .node('topic', 'in', { partitions: 3 })
    .node('handler', 'work', { retry })
    .node('handler', 'other', { retry })
    .node('topic', 'out', { partitions: 1 })
    .node('topic', 'seen', { partitions: 1 })
    .edges('source > in', 'hook > in', 'in > work', 'in > other', 'work > out', 'other > seen');
}

const passOn =
  (to: string): NativeHandler =>
  (event, ctx) =>
    ctx.emit(to, event.data);

/** Throws for items whose index `isBad`, until the world is mended at `mendedMs` after the start. */
function failsUntil(mendedMs: number, isBad: (index: number) => boolean): NativeHandler {
  return (event, ctx) => {
    const { index } = event.data as { index: number };
    if (isBad(index) && ctx.now() < START_MS + mendedMs)
      throw new Error(index % 2 === 0 ? `no price for ${index}` : `no stock of ${index}`);
    ctx.emit('out', event.data);
  };
}

const START_MS = 1_767_225_600_000;
const isBad = (index: number): boolean => index % 4 < 2;
const BAD = TOTAL / 2;
const MENDED_MS = 1000;

function run(commands: VirtualCommand[], extra: Partial<VirtualRunOptions> = {}): VirtualRunResult {
  return runVirtual({
    document: repair().document(),
    seed: 1,
    sources: {
      'node:source': listSource(TOTAL, (index) => ({
        id: `item-${index}`,
        key: index % 3 === 0 ? null : `k${index % 7}`,
      })),
    },
    handlers: { 'node:work': failsUntil(MENDED_MS, isBad), 'node:other': passOn('seen') },
    commands: [...commands, { afterMs: 60_000, type: 'stop' }],
    ...extra,
  });
}

const redrive = (
  afterMs: number,
  selection: RedriveSelection = {},
  dryRun = false,
  topicId = LETTERS,
): VirtualCommand => ({
  afterMs,
  type: 'command',
  command: { type: 'redrive', parts: [{ topicId, selection }], dryRun },
});
const command = (afterMs: number, asked: EngineCommand): VirtualCommand => ({
  afterMs,
  type: 'command',
  command: asked,
});

const messages = (log: MemoryLog, topic: string): Message[] =>
  readAll(log, topic)
    .flat()
    .map(({ message }) => message);
const progress = ({ answers }: VirtualRunResult, index: number): RedriveProgress => {
  const answer = answers[index];
  if (!answer?.ok) throw new Error(`answer ${index} is ${JSON.stringify(answer)}`);
  return answer.value as RedriveProgress;
};
const refusal = ({ answers }: VirtualRunResult, index: number): string | undefined => {
  const answer = answers[index];
  return answer?.ok === false ? answer.error.code : undefined;
};
/** Indexes of what the handler has emitted, in order of appending. */
const outcome = (log: MemoryLog): number[] =>
  messages(log, 'node:out').map(({ data }) => (JSON.parse(data) as { index: number }).index);
const sorted = (numbers: number[]): number[] => [...numbers].sort((a, b) => a - b);
const all = Array.from({ length: TOTAL }, (_, index) => index);

describe('dead letters', () => {
  const { log } = run([]);

  it('[DL4] carry what a redrive needs: source, cause, attempts and how often they were sent back', () => {
    const letters = messages(log, LETTERS);
    expect(letters).toHaveLength(BAD);
    expect(letters.find(({ extensions }) => extensions?.dlid === 'item-1')).toMatchObject({
      key: 'k1',
      causationId: 'item-1',
      extensions: {
        dlsource: '/flows/flow:test/nodes/node:source',
        dltopic: 'in',
        dlgroup: 'node:work',
        dlattempts: 1,
        dltotalattempts: 1,
        redrives: 0,
        dlfirsterror: 'no stock of 1',
        dllasterror: 'no stock of 1',
      },
    });
  });

  it('[DL4] of a message that another message caused name that one', () => {
    const document = flow()
      .node('replay', 'source', { speed: { mode: 'full' } })
      .node('topic', 'in')
      .node('handler', 'first')
      .node('topic', 'middle')
      .node('handler', 'work', { retry: once })
      .edges('source > in', 'in > first', 'first > middle', 'middle > work')
      .document();
    const chained = run([], {
      document,
      handlers: {
        'node:first': passOn('middle'),
        'node:work': (event) => {
          if (event.causationId === 'item-5') throw new Error('not this one');
        },
      },
    });
    const [letter] = messages(chained.log, LETTERS);
    expect(letter?.extensions).toMatchObject({
      dlcausation: 'item-5',
      dlsource: '/flows/flow:test/nodes/node:first',
    });
    expect(letter?.correlationId).toBe('item-5');
  });
});

describe('sending dead letters back', () => {
  it('[DL5] each is handled again by the group that gave up, once, under its own id and in its partition', () => {
    const mended = run([redrive(2000)]);
    expect(mended.view.status).toBe('stopped');
    expect(sorted(outcome(mended.log))).toEqual(all);
    expect(mended.view.nodes[LETTERS]).toMatchObject({ in: BAD, redriven: BAD });
    expect(mended.view.redrives).toEqual([
      {
        id: 'redrive:1',
        topicIds: [LETTERS],
        status: 'done',
        startedMs: START_MS + 2000,
        counts: { looked: BAD, redriven: BAD, passed: 0, already: 0, guarded: 0, homeless: 0 },
        total: BAD,
      },
    ]);
    const places = new Map<string, number[]>();
    for (const [partition, stored] of readAll(mended.log, 'node:in').entries())
      for (const { message } of stored)
        places.set(message.id, [...(places.get(message.id) ?? []), partition]);
    for (const [id, partitions] of places) {
      const index = Number(id.slice('item-'.length));
      expect(partitions, id).toHaveLength(isBad(index) ? 2 : 1);
      expect(new Set(partitions).size, id).toBe(1);
    }
    const again = messages(mended.log, 'node:in').filter(({ extensions }) => extensions?.redrives === 1);
    expect(again).toHaveLength(BAD);
    expect(again.find(({ id }) => id === 'item-1')).toMatchObject({
      source: '/flows/flow:test/nodes/node:source',
      key: 'k1',
      correlationId: 'item-1',
      causationId: null,
      extensions: { redriveto: 'node:work', dlattempts: 1 },
    });
    expect(checkCommitted(mended.log, mended.plan)).toEqual([]);
    expect(checkCounters(mended.log, mended.plan)).toEqual([]);
  });

  it('[DL5] the other groups of the topic pass over what is not theirs', () => {
    const mended = run([redrive(2000)]);
    expect(messages(mended.log, 'node:seen')).toHaveLength(TOTAL);
    const handled = mended.traces.filter(({ kind, nodeId }) => kind === 'handled' && nodeId === 'node:other');
    expect(handled).toHaveLength(TOTAL);
    expect(mended.view.subscriptions['edge:4']?.lag).toBe(0);
  });

  it('[DL5] [TR1] is traced at the topic of the dead letters, within the trace of the message', () => {
    const { traces } = run([redrive(2000)]);
    const records = traces.filter(({ kind }) => kind === 'redriven');
    expect(records).toHaveLength(BAD);
    expect(records.find(({ messageId }) => messageId === 'item-1')).toMatchObject({
      nodeId: LETTERS,
      correlationId: 'item-1',
      topic: LETTERS,
      detail: 'node:in',
    });
  });

  it('[DL5] a dry run says what would happen, does nothing, and the real one then does that', () => {
    const selections: RedriveSelection[] = [
      {},
      { errorCode: 'HANDLER_THREW' },
      { errorCode: 'HANDLER_TIMED_OUT' },
      { key: 'k1' },
      { causes: ['node:work HANDLER_THREW no price for …'] },
      { nodeId: 'node:other' },
      { places: [{ partition: 0, offset: 3 }] },
    ];
    for (const selection of selections) {
      const done = run([redrive(2000, selection, true), redrive(4000, selection), redrive(6000, {}, true)]);
      const dry = progress(done, 0);
      expect(dry).toMatchObject({ status: 'done', total: BAD, counts: { looked: BAD } });
      const [real] = done.view.redrives;
      expect(real?.counts, JSON.stringify(selection)).toEqual(dry.counts);
      expect(done.view.nodes[LETTERS]?.redriven).toBe(dry.counts.redriven);
      // A third look finds those that were sent back, and all others as they were.
      expect(progress(done, 2).counts).toMatchObject({
        already: dry.counts.redriven,
        redriven: BAD - dry.counts.redriven,
      });
    }
    const onlyDry = run([redrive(2000, {}, true)]);
    expect(messages(onlyDry.log, 'node:in')).toHaveLength(TOTAL);
    expect(onlyDry.view.redrives).toEqual([]);
    expect(onlyDry.log.state().filter(({ store }) => store.startsWith('redrive'))).toEqual([]);
  });

  it('[DL5] a dry run answers while the run is paused; a redrive waits until it is resumed', () => {
    const paused = run([
      { afterMs: 1500, type: 'pause' },
      redrive(2000, {}, true),
      redrive(3000),
      { afterMs: 20_000, type: 'resume' },
    ]);
    expect(progress(paused, 0).counts.redriven).toBe(BAD);
    expect(progress(paused, 1)).toMatchObject({ status: 'running', counts: { looked: 0 } });
    const first = paused.traces.find(({ kind }) => kind === 'redriven');
    expect((first?.timeMs ?? 0) - START_MS).toBeGreaterThanOrEqual(20_000);
    expect(sorted(outcome(paused.log))).toEqual(all);
  });

  it('[DL5] the unselected stay untouched and can be sent back later', () => {
    const causes = ['node:work HANDLER_THREW no price for …'];
    const halves = run([redrive(2000, { causes }), redrive(4000)]);
    const [first, second] = halves.view.redrives;
    expect(first?.counts).toMatchObject({ redriven: BAD / 2, passed: BAD / 2 });
    expect(second?.counts).toMatchObject({ redriven: BAD / 2, already: BAD / 2, passed: 0 });
    expect(sorted(outcome(halves.log))).toEqual(all);
  });

  it('[DL5] says how many wait and how many were sent back, in each topic', () => {
    const causes = ['node:work HANDLER_THREW no price for …'];
    const never = run([], { commands: [{ afterMs: 1500, type: 'stop' }] });
    expect(never.view.deadLetters[LETTERS]).toEqual({ waiting: BAD, sentBack: 0 });
    const half = run([redrive(2000, { causes })]);
    expect(half.view.deadLetters).toEqual({
      [LETTERS]: { waiting: BAD / 2, sentBack: BAD / 2 },
      'node:other.dead-letters': { waiting: 0, sentBack: 0 },
    });
    const killed = run([redrive(2000, { causes }), redrive(4000)], { faults: { crashesAfterMs: [3000] } });
    expect(killed.view.deadLetters[LETTERS]).toEqual({ waiting: 0, sentBack: BAD });
    // What comes back is a dead letter of its own, and waits.
    const handlers = { 'node:work': failsUntil(1e9, isBad), 'node:other': passOn('seen') };
    const back = run([redrive(2000)], { handlers });
    expect(back.view.deadLetters[LETTERS]).toEqual({ waiting: BAD, sentBack: BAD });
  });

  describe('where dead letters go to a topic that is drawn', () => {
    const handlers = { 'node:work': failsUntil(1e9, isBad) };
    const parked = (retentionMessages: number, ...edges: string[]) =>
      flow()
        .node('replay', 'source', { speed: { mode: 'full' } })
        .node('http', 'hook')
        .node('topic', 'in', { partitions: 1 })
        .node('handler', 'work', { retry: once })
        .node('topic', 'parked', { partitions: 1, retentionMessages })
        .node('topic', 'out', { partitions: 1 })
        .edges('source > in', 'hook > in', 'in > work', 'work > out', 'work.dead-letter > parked', ...edges)
        .document();

    it('[DL5] [TP4] what retention took does not wait', () => {
      const short = run([redrive(2000, {}, false, 'node:parked'), redrive(50_000, {}, true, 'node:parked')], {
        document: parked(20),
        handlers,
      });
      const { redriven, expired } = short.view.nodes['node:parked'] ?? { redriven: 0, expired: 0 };
      expect(expired).toBeGreaterThan(0);
      const { counts } = progress(short, 1);
      expect(short.view.deadLetters['node:parked']).toEqual({
        waiting: counts.looked - counts.already,
        sentBack: redriven,
      });
    });

    it('[DL5] what else is written into it does not wait', () => {
      const mixed = run([redrive(2000, { key: 'k1' }, false, 'node:parked')], {
        document: parked(0, 'hook > parked', 'source > parked'),
        handlers,
      });
      const { redriven, in: appended } = mixed.view.nodes['node:parked'] ?? { redriven: 0, in: 0 };
      const given = mixed.view.nodes['node:work']?.deadLettered ?? 0;
      expect(appended).toBe(TOTAL + given);
      expect(redriven).toBeGreaterThan(0);
      expect(mixed.view.deadLetters['node:parked']).toEqual({
        waiting: given - redriven,
        sentBack: redriven,
      });
    });
  });

  it('[DL5] the loop guard stops the third round trip, and the history of all rounds is kept', () => {
    const handlers = {
      'node:work': failsUntil(1e9, (index) => index === 7),
      'node:other': passOn('seen'),
    };
    const rounds = run(
      [2000, 4000, 6000, 8000].map((afterMs) => redrive(afterMs)),
      { handlers },
    );
    const letters = messages(rounds.log, LETTERS);
    expect(letters.map(({ extensions }) => extensions?.redrives)).toEqual([0, 1, 2]);
    expect(letters).toHaveLength(1 + REDRIVES_MAX);
    expect(new Set(letters.map(({ id }) => id)).size).toBe(letters.length);
    for (const letter of letters) {
      expect(letter.extensions).toMatchObject({ dlid: 'item-7', dlattempts: 1 });
      expect(letter.extensions).not.toHaveProperty('redriveto');
    }
    expect(letters.map(({ extensions }) => extensions?.dltotalattempts)).toEqual([1, 2, 3]);
    expect(new Set(letters.map(({ extensions }) => extensions?.dlfirsttime)).size).toBe(1);
    expect(rounds.view.redrives.map(({ counts }) => counts.guarded)).toEqual([0, 0, 1, 1]);
    expect(rounds.view.redrives.map(({ counts }) => counts.redriven)).toEqual([1, 1, 0, 0]);
    expect(rounds.view.nodes['node:work']).toMatchObject({ failed: 3, deadLettered: 3 });
  });

  it('[DL5] what comes of a message that was sent back does not carry its past along', () => {
    const topic = 'node:pass.dead-letters';
    const document = flow()
      .node('replay', 'source', { speed: { mode: 'full' } })
      .node('http', 'hook')
      .node('topic', 'in')
      .node('filter', 'pass', { retry: once })
      .node('topic', 'filtered')
      .node('handler', 'last')
      .node('topic', 'out')
      .edges('source > in', 'hook > in', 'in > pass', 'pass > filtered', 'filtered > last', 'last > out')
      .document();
    const asked = command(2000, {
      type: 'redrive',
      parts: [{ topicId: topic, selection: {} }],
      dryRun: false,
    });
    const done = run([asked], {
      document,
      handlers: { 'node:pass': failsUntil(MENDED_MS, isBad), 'node:last': passOn('out') },
    });
    expect(done.view.redrives[0]?.counts.redriven).toBe(BAD);
    // A filter passes on what a message brings along, but not that it was sent back: nobody downstream would handle it.
    expect(messages(done.log, 'node:filtered')).toHaveLength(TOTAL);
    expect(messages(done.log, 'node:filtered').every(({ extensions }) => extensions === undefined)).toBe(
      true,
    );
    expect(sorted(outcome(done.log))).toEqual(all);
  });

  it('[DL5] [TP6] waits while a reader of the topic is full', () => {
    const document = repair().settings({ backlogMessagesMax: 5 }).document();
    const narrow = run([redrive(3000)], { document });
    expect(sorted(outcome(narrow.log))).toEqual(all);
    let waiting = 0;
    let most = 0;
    for (const { kind, topic, nodeId, timeMs } of narrow.traces) {
      if (timeMs < START_MS + 3000) continue;
      if (kind === 'appended' && topic === 'node:in') waiting++;
      if (kind === 'handled' && nodeId === 'node:work') waiting--;
      most = Math.max(most, waiting);
    }
    expect(most).toBeLessThanOrEqual(5);
  });

  it('[DL5] [SM2] waits while its target refuses appends', () => {
    const fault = {
      kind: 'refuse-appends' as const,
      target: { nodeId: 'node:in' },
      rate: 1,
      delayMs: 0,
      durationMs: 3000,
    };
    const refusing = run([command(1900, { type: 'inject-fault', fault }), redrive(2000)]);
    const first = refusing.traces.find(({ kind }) => kind === 'redriven');
    expect((first?.timeMs ?? 0) - START_MS).toBeGreaterThanOrEqual(4900);
    expect(refusing.view.redrives[0]).toMatchObject({ status: 'done', counts: { redriven: BAD } });
    expect(sorted(outcome(refusing.log))).toEqual(all);
  });

  it('[DL5] what has no home any more stays where it is', () => {
    const broken = run([], { untilMs: 1500 });
    const document = repair().document();
    const work = document.nodes.find(({ id }) => id === 'node:work');
    if (!work) throw new Error('there is no worker');
    // The consumer reads nothing any more, but its dead letters are there.
    document.edges = document.edges.filter(({ target }) => target !== 'node:work');
    const later = run([redrive(2000)], { document, log: broken.log, startMs: broken.endedMs });
    expect(later.view.redrives[0]?.counts).toMatchObject({ looked: BAD, homeless: BAD, redriven: 0 });
  });

  it('[DL5] a timer that failed for good is set once more', () => {
    const document = repair().document();
    const setsTimer: NativeHandler = (event, ctx) => {
      const { index } = event.data as { index: number };
      if (!event.timer) {
        if (index === 3) ctx.schedule(10, event.data);
        return;
      }
      if (ctx.now() < START_MS + MENDED_MS) throw new Error('too early');
      ctx.emit('out', event.data);
    };
    const done = run([redrive(2000)], {
      document,
      handlers: { 'node:work': setsTimer, 'node:other': passOn('seen') },
    });
    expect(messages(done.log, LETTERS)).toHaveLength(1);
    expect(outcome(done.log)).toEqual([3]);
    expect(messages(done.log, 'node:in')).toHaveLength(TOTAL);
    expect(done.view.redrives[0]?.counts.redriven).toBe(1);
  });

  it('[DL5] [TP5] what a topic refused is checked again on its way back', () => {
    const document = flow()
      .node('replay', 'source', { speed: { mode: 'full' } })
      .node('http', 'hook')
      .node('topic', 'in', { partitions: 2, schema: 'schema:any', schemaPolicy: 'dead-letter' })
      .node('handler', 'work')
      .node('topic', 'out', { partitions: 1 })
      .edges('source > in', 'hook > in', 'in > work', 'work > out')
      .document();
    let refused = (index: number): boolean => index < 10;
    const checkPayload = (_topic: string, data: string): string | null =>
      refused((JSON.parse(data) as { index: number }).index) ? 'too small' : null;
    const base = { document, checkPayload, handlers: { 'node:work': passOn('out') } };
    const topic = 'node:in.dead-letters';
    const first = run([], { ...base, untilMs: 1500 });
    expect(messages(first.log, topic)).toHaveLength(10);
    refused = (index) => index < 4;
    const asked = command(100, {
      type: 'redrive',
      parts: [{ topicId: topic, selection: {} }],
      dryRun: false,
    });
    const second = run([asked], { ...base, log: first.log, startMs: first.endedMs });
    expect(second.view.redrives[0]?.counts).toMatchObject({ looked: 10, redriven: 10 });
    expect(sorted(outcome(second.log))).toEqual(all.filter((index) => index >= 4));
    const letters = messages(second.log, topic);
    expect(letters).toHaveLength(14);
    expect(letters.slice(10).map(({ extensions }) => extensions?.redrives)).toEqual([1, 1, 1, 1]);
  });
});

describe('a redrive that is interrupted', () => {
  const seeds = Array.from({ length: 12 }, (_, index) => index + 1);
  const slowly = (): VirtualRunOptions['document'] => repair().settings({ backlogMessagesMax: 3 }).document();

  it.each(seeds)(
    '[DL5] [RN3] by kills loses nothing, doubles nothing, and goes on by itself: seed %i',
    (seed) => {
      const crashesAfterMs = [3, 7, 16, 25, 60, 130].map((after) => 2000 + after * (1 + (seed % 4)));
      const killed = run([redrive(2000)], {
        document: slowly(),
        seed,
        faults: { crashesAfterMs, writesRefused: seed % 3 === 0 ? 0.2 : 0 },
      });
      expect(killed.crashes).toBe(6);
      const [job] = killed.view.redrives;
      if (!job) {
        // It died before the answer: nothing was promised, and nothing happened.
        expect(killed.answers).toEqual([]);
        expect(messages(killed.log, 'node:in')).toHaveLength(TOTAL);
        return;
      }
      expect(job).toMatchObject({ status: 'done', total: BAD, counts: { looked: BAD, redriven: BAD } });
      const sent = killed.traces
        .filter(({ kind }) => kind === 'redriven')
        .map(({ timeMs }) => timeMs - START_MS);
      expect(
        crashesAfterMs.some((ms) => (sent[0] ?? 0) < ms && ms < (sent.at(-1) ?? 0)),
        'in the middle',
      ).toBe(true);
      // A kill that hits a message while it is alone counts as its attempt (RN3): then it is a dead letter once more.
      const hit = messages(killed.log, LETTERS).filter(({ extensions }) => extensions?.redrives === 1);
      const hitIndexes = hit.map(({ data }) => (JSON.parse(data) as { index: number }).index);
      expect(hit.every(({ extensions }) => extensions?.dllasterrorcode === 'HANDLER_CRASHED')).toBe(true);
      expect(sorted([...outcome(killed.log), ...hitIndexes])).toEqual(all);
      expect(killed.view.nodes[LETTERS]).toMatchObject({ redriven: BAD });
      expect(killed.log.state().filter(({ store }) => store === `redriven:${LETTERS}`)).toHaveLength(BAD);
      expect(checkCounters(killed.log, killed.plan)).toEqual([]);
    },
  );

  it('[DL5] by a cancellation stays where it is, and resumes from there', () => {
    const cancel = command(2040, { type: 'cancel-redrive', redriveId: 'redrive:1' });
    const cancelled = run([redrive(2000), cancel], { document: slowly() });
    const stopped = progress(cancelled, 1);
    expect(stopped.status).toBe('cancelled');
    expect(stopped.counts.redriven).toBeGreaterThan(0);
    expect(stopped.counts.redriven).toBeLessThan(BAD);
    expect(cancelled.view.redrives[0]).toEqual(stopped);
    expect(messages(cancelled.log, 'node:in')).toHaveLength(TOTAL + stopped.counts.redriven);

    const resume = command(5000, { type: 'resume-redrive', redriveId: 'redrive:1' });
    const resumed = run([redrive(2000), cancel, resume], { document: slowly() });
    expect(resumed.view.redrives[0]).toMatchObject({
      status: 'done',
      counts: { looked: BAD, redriven: BAD },
    });
    expect(sorted(outcome(resumed.log))).toEqual(all);
  });

  it('[DL5] by a cancellation and a kill can be resumed by the next process', () => {
    const commands = [
      redrive(2000),
      command(2040, { type: 'cancel-redrive', redriveId: 'redrive:1' }),
      command(9000, { type: 'resume-redrive', redriveId: 'redrive:1' }),
    ];
    const resumed = run(commands, { document: slowly(), faults: { crashesAfterMs: [4000, 9020] } });
    expect(resumed.view.redrives[0]).toMatchObject({ status: 'done', counts: { redriven: BAD } });
    expect(sorted(outcome(resumed.log))).toEqual(all);
  });

  it('[DL5] by the end of its run is cancelled', () => {
    const stopped = run([redrive(2000), { afterMs: 2030, type: 'stop' }], { document: slowly() });
    expect(stopped.view.status).toBe('stopped');
    expect(stopped.view.redrives[0]?.status).toBe('cancelled');
    expect(stopped.view.redrives[0]?.counts.redriven).toBe(stopped.view.nodes[LETTERS]?.redriven);
  });
});

describe('a redrive of several topics', () => {
  const OTHERS = 'node:other.dead-letters';
  const handlers = {
    'node:work': failsUntil(MENDED_MS, isBad),
    'node:other': ((event, ctx) => {
      const { index } = event.data as { index: number };
      if (index % 5 === 0 && ctx.now() < START_MS + MENDED_MS) throw new Error(`too early for ${index}`);
      ctx.emit('seen', event.data);
    }) satisfies NativeHandler,
  };
  const BOTH = BAD + TOTAL / 5;
  const both = (afterMs: number, dryRun = false): VirtualCommand =>
    command(afterMs, {
      type: 'redrive',
      parts: [
        {
          topicId: LETTERS,
          selection: {
            causes: ['node:work HANDLER_THREW no price for …', 'node:work HANDLER_THREW no stock of …'],
          },
        },
        { topicId: OTHERS, selection: {} },
      ],
      dryRun,
    });
  const slowly = repair().settings({ backlogMessagesMax: 3 }).document();

  it('[DL5] is one job, with one progress', () => {
    const done = run([both(2000, true), both(4000)], { handlers });
    const counts = { looked: BOTH, redriven: BOTH, passed: 0 };
    expect(progress(done, 0)).toMatchObject({
      status: 'done',
      topicIds: [LETTERS, OTHERS],
      total: BOTH,
      counts,
    });
    expect(done.view.redrives).toMatchObject([{ id: 'redrive:1', status: 'done', total: BOTH, counts }]);
    expect(sorted(outcome(done.log))).toEqual(all);
    expect(messages(done.log, 'node:seen')).toHaveLength(TOTAL);
  });

  it('[DL5] [RN3] goes on by itself when its process is killed, wherever it stood', () => {
    const killed = run([both(2000)], {
      document: slowly,
      handlers,
      faults: { crashesAfterMs: [2030, 2060, 2120, 2200] },
    });
    expect(killed.view.redrives).toMatchObject([{ status: 'done', total: BOTH, counts: { redriven: BOTH } }]);
    expect(killed.view.nodes[LETTERS]?.redriven).toBe(BAD);
    expect(killed.view.nodes[OTHERS]?.redriven).toBe(BOTH - BAD);
    expect(checkCounters(killed.log, killed.plan)).toEqual([]);
  });

  it('[DL5] is cancelled and resumed as a whole, and keeps other jobs from each of its topics', () => {
    const cancel = command(2040, { type: 'cancel-redrive', redriveId: 'redrive:1' });
    const others = command(2010, {
      type: 'redrive',
      parts: [{ topicId: OTHERS, selection: {} }],
      dryRun: false,
    });
    const resume = command(5000, { type: 'resume-redrive', redriveId: 'redrive:1' });
    const resumed = run([both(2000), others, cancel, resume], { document: slowly, handlers });
    expect(resumed.answers.filter((answer) => !answer.ok)).toMatchObject([
      { error: { code: 'RUN_TRANSITION_REFUSED', message: expect.stringContaining('other.dead-letters') } },
    ]);
    const cancelled = resumed.answers
      .filter((answer) => answer.ok)
      .map((answer) => answer.value as RedriveProgress)
      .find(({ status }) => status === 'cancelled');
    expect(cancelled?.counts.redriven).toBeGreaterThan(0);
    expect(cancelled?.counts.redriven).toBeLessThan(BOTH);
    expect(resumed.view.redrives).toMatchObject([
      { status: 'done', counts: { looked: BOTH, redriven: BOTH } },
    ]);
    expect(sorted(outcome(resumed.log))).toEqual(all);
  });
});

describe('what cannot be sent back', () => {
  it('[DL5] is refused with a sentence', () => {
    const asked = run(
      [
        redrive(2000),
        redrive(2001),
        command(2002, {
          type: 'redrive',
          parts: [{ topicId: 'node:nowhere', selection: {} }],
          dryRun: false,
        }),
        command(2003, { type: 'cancel-redrive', redriveId: 'redrive:9' }),
        command(2004, { type: 'resume-redrive', redriveId: 'redrive:9' }),
        command(9000, { type: 'cancel-redrive', redriveId: 'redrive:1' }),
      ],
      { document: repair().settings({ backlogMessagesMax: 2 }).document() },
    );
    const codes = asked.answers.map((answer) => (answer.ok ? 'ok' : answer.error.code)).sort();
    expect(codes).toEqual([
      'REDRIVE_NOT_FOUND',
      'REDRIVE_NOT_FOUND',
      'RUN_TRANSITION_REFUSED',
      'TOPIC_NOT_FOUND',
      'ok',
      'ok',
    ]);
    const busy = asked.answers.find((answer) => !answer.ok && answer.error.code === 'RUN_TRANSITION_REFUSED');
    expect(busy).toMatchObject({ error: { message: expect.stringContaining('work.dead-letters') } });
    // Cancelling what is done changes nothing.
    expect(progress(asked, 5).status).toBe('done');
    const over = run([{ afterMs: 1500, type: 'stop' }, redrive(1501)]);
    expect(over.answers.length === 0 || refusal(over, 0) === 'RUN_NOT_ACTIVE').toBe(true);
  });

  it('[DL5] the last twenty redrives are remembered', () => {
    const many = run(Array.from({ length: 23 }, (_, index) => redrive(2000 + 100 * index, { key: 'none' })));
    expect(many.view.redrives).toHaveLength(20);
    expect(many.view.redrives[0]?.id).toBe('redrive:4');
    expect(many.log.state().filter(({ store }) => store === 'redrive')).toHaveLength(40);
  });
});
