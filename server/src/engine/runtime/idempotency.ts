import type { Idempotency } from '@millrace/shared/flow/records/delivery.ts';
import { keyText, readPath } from '@millrace/shared/message/payloadPath.ts';
import type { ConsumerRuntime, Dedup, Entry, Flight, Lane, Subject } from './consumer.ts';
import type { Core } from './core.ts';
import { count } from './counters.ts';
import { enqueueLane } from './laneQueue.ts';
import { putState } from './stateStore.ts';
import { traceOf, traceWhenDurable } from './traces.ts';

/**
 * Rule DL6. The keys a consumer has handled are part of the write that holds the effects of handling them: after any crash,
 * a key is remembered exactly if its effects are there.
 */
export function createDedup({ window }: Idempotency): Dedup | null {
  return window === 'off' ? null : { seen: new Map(), pending: new Set(), waiting: [] };
}

export type SeenVerdict = 'new' | 'seen' | 'pending';

/** Whether the key of a message was handled before, or is being handled right now. */
export function lookUp(core: Core, consumer: ConsumerRuntime, entry: Entry): SeenVerdict {
  const { dedup, planned } = consumer;
  if (dedup === null || planned.idempotency.window === 'off') return 'new';
  entry.dedupKey ??= dedupKeyOf(entry, planned.idempotency.key);
  forgetOld(core, consumer);
  if (dedup.seen.has(entry.dedupKey)) return 'seen';
  return dedup.pending.has(entry.dedupKey) ? 'pending' : 'new';
}

/** The message id, or the values at the paths. A payload without any of them is told by its id, so that it is not lost. */
function dedupKeyOf({ stored: { message } }: Entry, paths: string): string {
  if (paths.trim() === '') return message.id;
  let payload: unknown;
  try {
    payload = JSON.parse(message.data);
  } catch {
    return message.id;
  }
  const values = paths.split(',').map((path) => keyText(readPath(payload, path.trim())));
  return values.every((value) => value === null) ? message.id : JSON.stringify(values);
}

export function noteDuplicate(
  core: Core,
  { consumer }: Lane,
  { message, place }: Subject,
  key: string,
): void {
  count(core, consumer.counter).deduplicated++;
  const record = traceOf('deduplicated', core.nowMs, consumer.planned.node, message, place, 0);
  record.detail = key;
  traceWhenDurable(core, record);
}

export function markPending({ dedup }: ConsumerRuntime, entry: Entry): void {
  if (dedup !== null && entry.dedupKey !== undefined) dedup.pending.add(entry.dedupKey);
}

/** What a flight held is decided: those who waited for one of its keys look again. */
export function clearPending({ lane, entries }: Flight): void {
  const { dedup } = lane.consumer;
  if (dedup === null) return;
  for (const { dedupKey } of entries) if (dedupKey !== undefined) dedup.pending.delete(dedupKey);
  for (const waiting of dedup.waiting.splice(0)) enqueueLane(waiting);
}

export function waitForPending(lane: Lane): void {
  const { dedup } = lane.consumer;
  if (dedup !== null && !dedup.waiting.includes(lane)) dedup.waiting.push(lane);
}

/** The attempt went well: its key is remembered with its effects. */
export function remember(core: Core, consumer: ConsumerRuntime, key: string): void {
  const { dedup } = consumer;
  if (dedup === null) return;
  dedup.seen.delete(key);
  dedup.seen.set(key, core.nowMs);
  putState(core, storeOf(consumer), key, String(core.nowMs));
  forgetOld(core, consumer);
}

/** Drops what is outside of the window, oldest first. */
function forgetOld(core: Core, consumer: ConsumerRuntime): void {
  const { dedup, planned } = consumer;
  const { idempotency } = planned;
  if (dedup === null || idempotency.window === 'off') return;
  for (const [key, atMs] of dedup.seen) {
    const isOld =
      idempotency.window === 'time'
        ? atMs + idempotency.forMs <= core.nowMs
        : dedup.seen.size > idempotency.keys;
    if (!isOld) return;
    dedup.seen.delete(key);
    putState(core, storeOf(consumer), key, null);
  }
}

function storeOf({ planned }: ConsumerRuntime): string {
  return `${SEEN_STORE}${planned.node}`;
}

export const SEEN_STORE = 'seen:';

export type SeenEntry = { key: string; atMs: number };

/** Puts back what was remembered, oldest first; keys of one moment in the order of their text, so that it is the same everywhere. */
export function restoreSeen({ dedup }: ConsumerRuntime, entries: SeenEntry[]): void {
  if (dedup === null) return;
  const ordered = entries.toSorted((a, b) => a.atMs - b.atMs || (a.key < b.key ? -1 : 1));
  for (const { key, atMs } of ordered) dedup.seen.set(key, atMs);
}
