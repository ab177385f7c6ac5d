import type { DatabaseSync } from 'node:sqlite';
import type { TopicSpec } from '../broker.ts';
import { type CleanupPolicy, policyOf } from '../cleanup.ts';
import { createCompactor } from './compaction.ts';
import { createBookKeeper, type PartitionBook } from './partitionBook.ts';
import { createRetention, type Expiry } from './retention.ts';
import type { MaintainedPartition } from './storageProtocol.ts';

/** One slice removes old batches of at most so many partitions. */
const SLICE_EXPIRIES_MAX = 64;

/** A book that is being changed: `next` takes its place when the transaction is committed. */
type Draft = { book: PartitionBook; next: PartitionBook; expired: number; compacted: number; below: number };

/** Retention and compaction on the storage thread: one slice between two groups of writes, each a transaction (TP4). */
export interface Maintenance {
  /** Policies are those of the last call that named the topic. */
  open(topics: readonly TopicSpec[], books: PartitionBook[]): void;
  slice(nowMs: number): { changed: MaintainedPartition[]; more: boolean };
}

export function createMaintenance(
  database: DatabaseSync,
  inTransaction: (change: () => void) => void,
): Maintenance {
  const retention = createRetention(database);
  const compactor = createCompactor(database);
  const save = createBookKeeper(database);
  const policies = new Map<string, CleanupPolicy>();
  let books: PartitionBook[] = [];
  /** Where the last slice stopped looking, so that each partition has its turn. */
  let cursor = 0;

  const policyFor = (book: PartitionBook): CleanupPolicy | undefined => policies.get(book.topic);

  const findExpiries = (nowMs: number): { book: PartitionBook; expiry: Expiry }[] => {
    const found: { book: PartitionBook; expiry: Expiry }[] = [];
    for (let step = 0; step < books.length && found.length < SLICE_EXPIRIES_MAX; step++) {
      const book = books[(cursor + step) % books.length] as PartitionBook;
      const policy = policyFor(book);
      const expiry = policy === undefined ? null : retention.find(book, policy, nowMs);
      if (expiry === null) continue;
      found.push({ book, expiry });
      if (!expiry.more) continue;
      cursor = (cursor + step + 1) % books.length;
      break;
    }
    return found;
  };

  /** True when a pass is under way and there are keys to be learned first. */
  const prepareCompaction = (nowMs: number): boolean => {
    if (compactor.partition() === null)
      books.some((book) => {
        const policy = policyFor(book);
        return policy !== undefined && compactor.begin(book, policy, nowMs);
      });
    return compactor.learn();
  };

  const draftOf = (drafts: Map<number, Draft>, book: PartitionBook): Draft => {
    const known = drafts.get(book.id);
    if (known) return known;
    const next = { ...book, revision: book.revision + 1 };
    const draft = { book, next, expired: 0, compacted: 0, below: 0 };
    drafts.set(book.id, draft);
    return draft;
  };

  const expire = (draft: Draft, expiry: Expiry): void => {
    const { next } = draft;
    retention.remove(next, expiry);
    next.start = expiry.start;
    next.messages -= expiry.messages;
    next.bytes -= expiry.bytes;
    next.cleanMessages -= expiry.cleanMessages;
    if (next.start > next.newestBase) Object.assign(next, { newestBase: next.end, newestMessages: 0 });
    draft.expired = expiry.messages;
    draft.below = Math.max(draft.below, expiry.start);
  };

  const compact = (draft: Draft, nowMs: number): void => {
    const removed = compactor.rewrite(draft.next, policyFor(draft.book) as CleanupPolicy, nowMs);
    draft.compacted = removed.messages;
    if (removed.messages > 0) draft.below = Math.max(draft.below, removed.below);
  };

  return {
    open(topics, found) {
      for (const spec of topics) policies.set(spec.topic, policyOf(spec));
      books = found;
      cursor = 0;
      compactor.abandon();
    },
    slice(nowMs) {
      const expiries = findExpiries(nowMs);
      const isLearning = prepareCompaction(nowMs);
      const compacted = isLearning ? null : compactor.partition();
      const drafts = new Map<number, Draft>();
      if (expiries.length > 0 || compacted !== null) {
        try {
          inTransaction(() => {
            for (const { book, expiry } of expiries) expire(draftOf(drafts, book), expiry);
            if (compacted !== null) compact(draftOf(drafts, compacted), nowMs);
            for (const { next } of drafts.values()) save(next);
          });
        } catch (thrown) {
          compactor.abandon();
          throw thrown;
        }
      }
      for (const { book, next } of drafts.values()) Object.assign(book, next);
      const changed = [...drafts.values()].filter(({ below }) => below > 0).map(maintained);
      return { changed, more: isLearning || compacted !== null || expiries.length > 0 };
    },
  };
}

function maintained({ next, expired, compacted, below }: Draft): MaintainedPartition {
  const { id, topic, partition, start, messages, bytes, revision } = next;
  return { id, topic, partition, start, messages, bytes, revision, expired, compacted, below };
}
