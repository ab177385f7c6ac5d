import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';
import type { Retention, TopicSpec } from './broker.ts';

/** What rule TP4 says of retention and compaction, apart from how a broker keeps its batches. */

const DAY_MS = 24 * 60 * 60 * 1000;
export const DEFAULT_TOMBSTONE_MS = DAY_MS;

/** A pass of compaction remembers at most this many keys, and so much text of them; a longer log takes several passes. */
export const COMPACTION_KEYS_MAX = 500_000;
export const COMPACTION_KEY_CHARACTERS_MAX = 64 * 1024 * 1024;

export type CleanupPolicy = { retention: Retention; compact: boolean; tombstoneMs: number };

const NO_RETENTION: Retention = { ageMs: 0, bytes: 0, messages: 0 };

export function policyOf({ retention, cleanup, tombstoneMs }: TopicSpec): CleanupPolicy {
  return {
    retention: retention ?? NO_RETENTION,
    compact: cleanup === 'compact',
    tombstoneMs: tombstoneMs ?? DEFAULT_TOMBSTONE_MS,
  };
}

export function hasLimits({ ageMs, bytes, messages }: Retention): boolean {
  return ageMs > 0 || bytes > 0 || messages > 0;
}

/** What is asked of the oldest batch of a partition, and of the partition as a whole. */
type Totals = { messages: number; bytes: number };
export type OldestBatch = Totals & { appendedMs: number };

/**
 * Whether the oldest batch goes: it is too old, or what is left without it still fills a limit. So up to one batch more
 * than a limit stays, and never less than it.
 */
export function isExpired(oldest: OldestBatch, totals: Totals, retention: Retention, nowMs: number): boolean {
  const { ageMs, bytes, messages } = retention;
  if (ageMs > 0 && oldest.appendedMs + ageMs <= nowMs) return true;
  if (messages > 0 && totals.messages - oldest.messages >= messages) return true;
  return bytes > 0 && totals.bytes - oldest.bytes >= bytes;
}

/** The newest offset of each key that a pass has seen. */
export type NewestOffsets = ReadonlyMap<string, number>;

/** An empty key is no key (rule TP2); what has none is kept. */
export function hasKey(key: string | null): key is string {
  return key !== null && key !== '';
}

export function isTombstone({ key, data }: Message): boolean {
  return data === 'null' && hasKey(key);
}

/** Whether a newer message of the same key is there. */
export function isReplaced(key: string | null, offset: number, newest: NewestOffsets): boolean {
  return hasKey(key) && (newest.get(key) ?? offset) > offset;
}

/** Whether a message is a tombstone that has been there for long enough. */
export function isSpentTombstone(
  { message, appendedAtMs }: StoredMessage,
  tombstoneMs: number,
  nowMs: number,
): boolean {
  return isTombstone(message) && appendedAtMs + tombstoneMs <= nowMs;
}

export type Cleanliness = {
  /** Messages before the newest batch: that one is left alone. */
  compactable: number;
  /** Those of them that no pass has seen yet. */
  dirty: number;
  /** Append time of the oldest dirty message. */
  oldestDirtyMs: number | null;
  /** When the first tombstone that earlier passes kept may go. */
  tombstoneDueMs: number | null;
};

/**
 * When a partition is worth a pass: half of it is new, as in Kafka (`min.cleanable.dirty.ratio`), or something in it, a
 * tombstone perhaps, has waited for as long as tombstones are kept.
 */
export function isCompactionDue(
  { compactable, dirty, oldestDirtyMs, tombstoneDueMs }: Cleanliness,
  tombstoneMs: number,
  nowMs: number,
): boolean {
  if (tombstoneDueMs !== null && tombstoneDueMs <= nowMs) return true;
  if (dirty === 0) return false;
  return dirty * 2 >= compactable || (oldestDirtyMs !== null && oldestDirtyMs + tombstoneMs <= nowMs);
}
