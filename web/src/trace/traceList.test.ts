import type { TraceSummary } from '@millrace/shared/trace/record.ts';
import { describe, expect, it } from 'vitest';
import type { LiveTrace } from '../live/liveTraces.ts';
import { countNew, matches, mergeTraces, NO_FILTER } from './traceList.ts';

function summary(correlationId: string, startedMs: number, extra: Partial<TraceSummary> = {}): TraceSummary {
  return {
    correlationId,
    rootType: 'order.placed',
    rootNodeId: 'node:p',
    key: null,
    startedMs,
    lastMs: startedMs,
    records: 3,
    messages: 1,
    failures: 0,
    faults: 0,
    open: 0,
    unresolved: 0,
    status: 'ok',
    ...extra,
  };
}

function live(of: TraceSummary, extra: Partial<LiveTrace> = {}): LiveTrace {
  return {
    summary: of,
    nodeIds: new Set(['node:p']),
    messageIds: new Set([of.correlationId, `${of.correlationId}-child`]),
    types: new Set(['order.placed', 'order.paid']),
    keys: new Set(['customer-7']),
    errorCodes: new Set(),
    ...extra,
  };
}

describe('mergeTraces', () => {
  it('lists each trace once, newest first, from whoever has seen more of it', () => {
    const merged = mergeTraces(
      [summary('a', 10, { records: 9 }), summary('b', 20, { records: 2 })],
      [
        live(summary('a', 10, { records: 4 })),
        live(summary('b', 20, { records: 5 })),
        live(summary('c', 30)),
      ],
      NO_FILTER,
    );
    expect(merged.map((trace) => [trace.correlationId, trace.records])).toEqual([
      ['c', 3],
      ['b', 5],
      ['a', 9],
    ]);
  });

  it('drops a listed trace that fits the filter no more', () => {
    const filter = { ...NO_FILTER, status: 'running' as const };
    const before = [summary('a', 10, { status: 'running', records: 2 })];
    expect(mergeTraces(before, [live(summary('a', 10, { records: 4 }))], filter)).toEqual([]);
  });

  it('finds by id, message id, key and part of a type, node and status', () => {
    const trace = live(summary('a', 10, { status: 'retried' }));
    const found = (text: string): boolean => matches({ ...NO_FILTER, text }, trace);
    expect(['a', 'a-child', 'customer-7', 'PAID', ' order '].map(found)).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
    expect(['customer', 'shipped'].map(found)).toEqual([false, false]);
    expect(matches({ ...NO_FILTER, nodeId: 'node:x' }, trace)).toBe(false);
    expect(matches({ ...NO_FILTER, status: 'retried' }, trace)).toBe(true);
  });

  it('finds by key, type, duration and error code, as the server does', () => {
    const trace = live(summary('a', 10, { key: 'customer-7', lastMs: 250 }), {
      errorCodes: new Set(['HANDLER_THREW']),
    });
    const found = (filter: Partial<typeof NO_FILTER>): boolean => matches({ ...NO_FILTER, ...filter }, trace);
    expect(found({ key: 'customer-7', type: 'PAID', durationMsMin: 240, errorCode: 'HANDLER_THREW' })).toBe(
      true,
    );
    expect(found({ key: 'customer-8' })).toBe(false);
    expect(found({ type: 'shipped' })).toBe(false);
    expect(found({ durationMsMin: 241 })).toBe(false);
    expect(found({ errorCode: 'HANDLER_TIMED_OUT' })).toBe(false);
  });

  it('counts what a paused view holds back', () => {
    const shown = [summary('b', 20), summary('a', 10)];
    const now = [summary('d', 30), summary('c', 30), ...shown, summary('older', 1)];
    expect(countNew(shown, now)).toBe(2);
  });
});
