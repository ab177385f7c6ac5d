import { deadLetterFacts } from '@millrace/shared/deadLetters/cause.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { describe, expect, it } from 'vitest';
import { checkCommitted, checkCounters, readAll } from '../simulator/checkers.ts';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual, type VirtualRunOptions } from '../simulator/virtualRun.ts';

type Policy = 'reject' | 'dead-letter' | 'flag';
const TOTAL = 60;
const BAD = 20;

/** Every third item does not fit. */
const checkPayload = (_topic: string, data: string): string | null =>
  (JSON.parse(data) as { index: number }).index % 3 === 0 ? 'index must not be divisible by 3' : null;

/** Producer → checked topic; and handler → checked topic: the same policy wherever an append comes from. */
function checked(schemaPolicy: Policy, extra: Partial<VirtualRunOptions> = {}) {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'full' } })
    .node('topic', 'raw', { partitions: 2 })
    .node('handler', 'work')
    .node('topic', 'checked', { partitions: 2, schema: 'schema:any', schemaPolicy })
    .node('log', 'sink')
    .edges('source > raw', 'raw > work', 'work > checked', 'checked > sink')
    .document();
  return runVirtual({
    document,
    seed: 1,
    sources: { 'node:source': listSource(TOTAL, (index) => ({ id: `item-${index}`, key: `k${index % 5}` })) },
    handlers: { 'node:work': (event, ctx) => ctx.emit('checked', event.data) },
    checkPayload,
    ...extra,
  });
}

function produced(schemaPolicy: Policy, extra: Partial<VirtualRunOptions> = {}) {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'full' } })
    .node('topic', 'checked', { partitions: 2, schema: 'schema:any', schemaPolicy })
    .node('log', 'sink')
    .edges('source > checked', 'checked > sink')
    .document();
  return checked(schemaPolicy, { document, handlers: {}, ...extra });
}

const letters = (run: ReturnType<typeof runVirtual>, topic = 'node:checked.dead-letters'): Message[] =>
  readAll(run.log, topic)
    .flat()
    .map(({ message }) => message);

describe('payloads that do not fit the schema of a topic', () => {
  it('[TP5] reject: a producer counts and skips them, an attempt that emits one is rejected', () => {
    const direct = produced('reject');
    expect(direct.view.nodes['node:source']).toMatchObject({ out: TOTAL - BAD, rejected: BAD });
    expect(direct.view.nodes['node:checked']).toMatchObject({ in: TOTAL - BAD, flagged: 0, deadLettered: 0 });
    const emitted = checked('reject');
    expect(emitted.view.nodes['node:work']).toMatchObject({ rejected: BAD, deadLettered: BAD, retried: 0 });
    expect(emitted.view.nodes['node:checked']?.in).toBe(TOTAL - BAD);
  });

  it('[TP5] dead-letter: they go to the dead letters of the topic, and whoever sent them goes on', () => {
    for (const run of [produced('dead-letter'), checked('dead-letter')]) {
      expect(run.view.status).toBe('completed');
      expect(run.view.nodes['node:checked']).toMatchObject({
        in: TOTAL - BAD,
        deadLettered: BAD,
        flagged: 0,
      });
      expect(run.view.nodes['node:checked.dead-letters']?.in).toBe(BAD);
      expect(run.view.nodes['node:sink']?.in).toBe(TOTAL - BAD);
      const records = run.traces.filter(({ kind }) => kind === 'dead-lettered');
      expect(records).toHaveLength(BAD);
      expect(records[0]).toMatchObject({
        nodeId: 'node:checked',
        errorCode: 'PAYLOAD_INVALID',
        detail: 'node:checked.dead-letters',
      });
      expect(checkCommitted(run.log, run.plan)).toEqual([]);
    }
    const handled = checked('dead-letter');
    expect(handled.view.nodes['node:work']).toMatchObject({ in: TOTAL, out: TOTAL, failed: 0 });
    expect(checkCounters(handled.log, handled.plan).filter((fault) => !fault.includes('out'))).toEqual([]);
  });

  it('[TP5] [DL4] dead-letter: the dead letter says what it was and why it is there', () => {
    const [first] = letters(produced('dead-letter'));
    if (!first) throw new Error('there is no dead letter');
    const facts = deadLetterFacts(first);
    expect(facts).toMatchObject({
      nodeId: 'node:checked',
      errorCode: 'PAYLOAD_INVALID',
      topicName: 'checked',
      id: 'item-0',
      attempts: 0,
      redrives: 0,
    });
    expect(first).toMatchObject({
      key: 'k0',
      correlationId: 'item-0',
      causationId: 'item-0',
      data: '{"index":0}',
      source: '/flows/flow:test/nodes/node:checked',
      extensions: { dlsource: '/flows/flow:test/nodes/node:source', dltotalattempts: 0, dlkey: 'k0' },
    });
    expect(first.id).not.toBe('item-0');
    expect(first.extensions?.dllasterror).toContain('must not be divisible by 3');
  });

  it('[TP5] dead-letter: a drawn topic takes them instead of the automatic one', () => {
    const document = flow()
      .node('replay', 'source', { speed: { mode: 'full' } })
      .node('topic', 'checked', { schema: 'schema:any', schemaPolicy: 'dead-letter' })
      .node('topic', 'parked')
      .node('log', 'sink')
      .edges('source > checked', 'checked > sink', 'checked.dead-letter > parked')
      .document();
    const run = produced('dead-letter', { document });
    expect(letters(run, 'node:parked')).toHaveLength(BAD);
    expect(run.plan.topics.map(({ topic }) => topic)).not.toContain('node:checked.dead-letters');
  });

  it('[TP5] flag: they are appended, counted, and marked in the trace', () => {
    for (const run of [produced('flag'), checked('flag')]) {
      expect(run.view.nodes['node:checked']).toMatchObject({ in: TOTAL, flagged: BAD, deadLettered: 0 });
      expect(run.view.nodes['node:sink']?.in).toBe(TOTAL);
      const flagged = run.traces.filter(({ kind }) => kind === 'flagged');
      expect(flagged).toHaveLength(BAD);
      expect(flagged[0]).toMatchObject({ nodeId: 'node:checked', errorCode: 'PAYLOAD_INVALID' });
      expect(checkCounters(run.log, run.plan)).toEqual([]);
    }
  });

  it('[TP5] hold for pushed messages, too', () => {
    const push = (schemaPolicy: Policy) => {
      const document = flow()
        .node('http', 'hook')
        .node('topic', 'checked', { partitions: 1, schema: 'schema:any', schemaPolicy })
        .node('log', 'sink')
        .edges('hook > checked', 'checked > sink')
        .document();
      const messages = [1, 3].map(
        (index): Message => ({
          id: `pushed-${index}`,
          source: 'test',
          type: 'test.pushed',
          timeMs: 0,
          key: null,
          correlationId: `pushed-${index}`,
          causationId: null,
          data: JSON.stringify({ index }),
        }),
      );
      const run = checked(schemaPolicy, {
        document,
        handlers: {},
        sources: {},
        commands: [
          { afterMs: 10, type: 'ingest', producer: 'node:hook', messages },
          { afterMs: 100, type: 'stop' },
        ],
      });
      const reply = run.replies[0];
      const places = reply?.ok ? reply.accepted.map(({ topic }) => topic) : reply?.error.code;
      return {
        places,
        ids: readAll(run.log, 'node:checked')
          .flat()
          .map(({ message }) => message.id),
        run,
      };
    };
    expect(push('reject')).toMatchObject({ places: 'PAYLOAD_INVALID', ids: [] });
    expect(push('flag')).toMatchObject({
      places: ['node:checked', 'node:checked'],
      ids: ['pushed-1', 'pushed-3'],
    });
    const parked = push('dead-letter');
    expect(parked).toMatchObject({
      places: ['node:checked', 'node:checked.dead-letters'],
      ids: ['pushed-1'],
    });
    // The sender hears under which id its message can be found.
    const reply = parked.run.replies[0];
    expect(reply?.ok && reply.accepted[1]?.id).toBe(letters(parked.run)[0]?.id);
  });

  it('[TP5] [RN3] crashes and refused writes change none of it', () => {
    for (const seed of [1, 2, 3, 4]) {
      const faults = { crashesAfterMs: [5, 17, 40], writesRefused: 0.2 };
      const run = checked('dead-letter', { seed, faults });
      expect(run.view.nodes['node:checked']).toMatchObject({ in: TOTAL - BAD, deadLettered: BAD });
      expect(new Set(letters(run).map(({ extensions }) => extensions?.dlid)).size).toBe(BAD);
      expect(letters(run)).toHaveLength(BAD);
    }
  });
});

describe('topics that do not keep everything', () => {
  const SECONDS = 40;
  const RATE = 10;
  const kept = (topic: Record<string, unknown>, extra: Partial<VirtualRunOptions> = {}) => {
    const document = flow()
      .node('replay', 'source', { speed: { mode: 'rate', ratePerSecond: RATE } })
      .node('topic', 'in', { partitions: 2, ...topic })
      .node('log', 'sink')
      .edges('source > in', 'in > sink')
      .document();
    return runVirtual({
      document,
      seed: 4,
      sources: {
        'node:source': listSource(SECONDS * RATE, (index) => ({
          id: `item-${index}`,
          key: `k${index % 10}`,
        })),
      },
      ...extra,
    });
  };
  const starts = (run: ReturnType<typeof runVirtual>): number[] =>
    run.log.offsets('node:in').map(({ start }) => start);

  it('[TP4] what retention has deleted is counted, traced once per partition, and shown as where it begins', () => {
    const run = kept({ retentionMs: 10_000 });
    expect(run.view.status).toBe('completed');
    const gone = starts(run).reduce((sum, start) => sum + start, 0);
    expect(gone).toBeGreaterThan((SECONDS - 25) * RATE);
    expect(gone).toBeLessThanOrEqual((SECONDS - 10) * RATE);
    expect(run.view.topics['node:in']?.start).toEqual(starts(run));
    expect(run.view.nodes['node:in']).toMatchObject({ in: SECONDS * RATE, expired: gone });
    const records = run.traces.filter(({ kind }) => kind === 'expired');
    expect(records.length).toBeGreaterThan(4);
    // Every five seconds at most, one for each of the two partitions.
    expect(records.length).toBeLessThanOrEqual(2 * (SECONDS / 5));
    expect(records.at(-1)).toMatchObject({ nodeId: 'node:in', topic: 'node:in', errorCode: null });
    const told = records.reduce((sum, { detail }) => sum + Number(detail?.split(' ', 1)[0]), 0);
    expect(told).toBe(gone);
  });

  it('[TP4] compaction is counted as well, though the topic begins where it began', () => {
    const run = kept({ cleanup: 'compact' });
    const left = readAllFrom(run);
    const { expired = 0 } = run.view.nodes['node:in'] ?? {};
    expect(expired).toBe(SECONDS * RATE - left);
    expect(expired).toBeGreaterThan(SECONDS * RATE * 0.7);
    expect(run.view.nodes['node:sink']?.in).toBe(SECONDS * RATE);
  });

  it('[TP4] [TR2] what went just before a crash is counted by the next process', () => {
    for (const at of [14_003, 20_007]) {
      const run = kept(
        { retentionMs: 10_000 },
        { faults: { crashesAfterMs: [at, at + 5002, at + 5007, at + 10_004] } },
      );
      const gone = starts(run).reduce((sum, start) => sum + start, 0);
      expect(run.crashes).toBe(4);
      expect(run.view.nodes['node:in']?.expired, `crash at ${at}`).toBe(gone);
      expect(run.view.topics['node:in']?.start).toEqual(starts(run));
    }
  });

  it('[TP4] nothing is cleaned up while the run is paused, nor where nothing asks for it', () => {
    const paused = kept(
      { retentionMs: 10_000 },
      { commands: [{ afterMs: 9000, type: 'pause' }], untilMs: 40_000 },
    );
    expect(starts(paused)).toEqual([0, 0]);
    const everything = kept({});
    expect(everything.view.nodes['node:in']?.expired).toBe(0);
  });
});

function readAllFrom({ log }: ReturnType<typeof runVirtual>): number {
  return log.offsets('node:in').reduce((sum, { messages }) => sum + messages, 0);
}
