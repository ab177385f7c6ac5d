import { assert } from '@millrace/shared/util/assert.ts';
import type { MemoryLog } from '../brokers/memory/memoryLog.ts';
import type { EngineEffect, EngineError, EngineInput } from '../engine/io.ts';
import type { VirtualSource } from './virtualOptions.ts';

type Fetch = Extract<EngineEffect, { type: 'fetch' }>;
type ReadSource = Extract<EngineEffect, { type: 'read-source' }>;

/** What the log holds where the core wants to read, or why that is gone (TP4). */
export function answerFetch(log: MemoryLog, effect: Fetch, nowMs: number): EngineInput {
  const { fetchId, topic, partition, fromOffset } = effect;
  const place = log.offsets(topic)[partition];
  assert(place, `the log has no partition ${partition} of ${topic}`);
  const { start, end } = place;
  if (fromOffset < start) {
    const error: EngineError = { code: 'OFFSET_OUT_OF_RANGE', message: `The log begins at ${start}.` };
    return { type: 'fetch-failed', fetchId, error, deleted: { start, end }, nowMs };
  }
  return { type: 'fetched', fetchId, ...log.read(effect), nowMs };
}

/** What the source of a producer gives next; one that throws cannot be read. */
export function answerReadSource(
  sources: Record<string, VirtualSource>,
  { readId, producer, cursor, itemsMax }: ReadSource,
  nowMs: number,
): EngineInput {
  const source = sources[producer];
  assert(source, `no source was given for ${producer}`);
  try {
    const { items, done } = source(cursor, itemsMax);
    return { type: 'sourced', readId, items, done, nowMs };
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return { type: 'source-failed', readId, error: { code: 'SOURCE_UNREADABLE', message }, nowMs };
  }
}
