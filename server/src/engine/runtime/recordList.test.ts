import type { Message } from '@millrace/shared/message/message.ts';
import { expandEntries } from '@millrace/shared/trace/recordRun.ts';
import { traceRecord } from '@millrace/shared/trace/testing/traceRecord.ts';
import { describe, expect, it } from 'vitest';
import { RecordList } from './recordList.ts';

const messageOf = (id: string): Message => ({
  id,
  source: '/flows/test/nodes/source',
  type: 'test.made',
  timeMs: 1,
  key: null,
  correlationId: `of-${id}`,
  causationId: null,
  data: '{}',
});
const NOWHERE = { topic: null, partition: -1, offset: -1 };
const at = (offset: number) => ({ topic: 'node:in', partition: 0, offset });
const told = (list: RecordList): string[] =>
  expandEntries(list.entries).map(({ kind, messageId, offset }) => `${kind} ${messageId} ${offset}`);

describe('a list of trace records', () => {
  it('gathers what alternates into one run each', () => {
    const list = new RecordList();
    for (let i = 0; i < 3; i++) {
      list.add('handled', 5, 'node:h', messageOf(`m${i}`), at(i), 1, 7);
      list.add('emitted', 5, 'node:h', messageOf(`e${i}`), NOWHERE, 0, 0);
    }
    expect(list.entries).toHaveLength(2);
    expect(list.length).toBe(6);
    expect(told(list)).toEqual([
      'handled m0 0',
      'handled m1 1',
      'handled m2 2',
      'emitted e0 -1',
      'emitted e1 -1',
      'emitted e2 -1',
    ]);
    expect(expandEntries(list.entries)[1]).toEqual(
      traceRecord({
        kind: 'handled',
        timeMs: 5,
        nodeId: 'node:h',
        messageId: 'm1',
        correlationId: 'of-m1',
        messageType: 'test.made',
        ...at(1),
        attempt: 1,
        durationUs: 7,
      }),
    );
  });

  it('begins another run for another moment, node, place, attempt or duration', () => {
    const list = new RecordList();
    const add = (
      timeMs: number,
      node: string,
      partition: number,
      attempt: number,
      durationUs: number,
    ): void =>
      list.add('handled', timeMs, node, messageOf('m'), { ...at(0), partition }, attempt, durationUs);
    add(1, 'a', 0, 1, 0);
    add(2, 'a', 0, 1, 0);
    add(2, 'b', 0, 1, 0);
    add(2, 'b', 1, 1, 0);
    add(2, 'b', 1, 2, 0);
    add(2, 'b', 1, 2, 9);
    expect(list.entries).toHaveLength(6);
  });

  it('puts nothing before a single record that was observed after it', () => {
    const list = new RecordList();
    list.add('handled', 5, 'node:h', messageOf('m0'), at(0), 1, 0);
    list.push(traceRecord({ kind: 'failed', messageId: 'm1' }));
    list.add('handled', 5, 'node:h', messageOf('m2'), at(2), 1, 0);
    expect(told(list).map((text) => text.split(' ', 2).join(' '))).toEqual([
      'handled m0',
      'failed m1',
      'handled m2',
    ]);
  });

  it('knows which message it spoke of last, in a run as well', () => {
    const list = new RecordList();
    expect(list.lastAbout()).toBeNull();
    list.push(traceRecord({ kind: 'rejected', messageId: 'r', correlationId: 'of-r' }));
    expect(list.lastAbout()).toEqual({ messageId: 'r', correlationId: 'of-r' });
    list.add('handled', 5, 'node:h', messageOf('m'), at(0), 1, 0);
    expect(list.lastAbout()).toEqual({ messageId: 'm', correlationId: 'of-m' });
  });
});
