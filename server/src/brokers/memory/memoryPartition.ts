import type { Message, StoredMessage } from '@millrace/shared/message/message.ts';
import type { PartitionOffsets, PartitionSize, ReadRequest } from '../broker.ts';
import {
  type CleanupPolicy,
  hasKey,
  hasLimits,
  isCompactionDue,
  isExpired,
  isReplaced,
  isSpentTombstone,
  isTombstone,
} from '../cleanup.ts';
import { messageBytes } from '../readRules.ts';

/** Slots of removed entries are given back when they are this many, and half of the list. */
const HEAD_MAX = 1024;

/** What was appended at once: the offsets from the end of the batch before it up to `end`. */
type Batch = {
  end: number;
  messages: number;
  bytes: number;
  appendedMs: number;
  /** Latest append time of this batch and of all before it, so that a time can be searched though clocks jump back. */
  latestMs: number;
};

/** One partition of the in-memory log: appends and reads from any offset cost nothing that grows with the log. */
export class MemoryPartition {
  /** In order of their offsets, not all of which exist; those before `#head` are gone. */
  #entries: StoredMessage[] = [];
  #head = 0;
  #batches: Batch[] = [];
  #oldestBatch = 0;
  #start = 0;
  #end = 0;
  #bytes = 0;
  /** A pass of compaction has seen everything below. */
  #cleanedTo = 0;
  #tombstoneDueMs: number | null = null;

  range(): PartitionOffsets {
    return { start: this.#start, end: this.#end };
  }

  size(): PartitionSize {
    return { ...this.range(), bytes: this.#bytes, messages: this.#count() };
  }

  append(messages: Message[], appendedAtMs: number): number {
    const base = this.#end;
    if (messages.length === 0) return base;
    let bytes = 0;
    for (const message of messages) {
      this.#entries.push({ message, offset: this.#end++, appendedAtMs });
      bytes += messageBytes(message);
    }
    const latestMs = Math.max(appendedAtMs, this.#batches.at(-1)?.latestMs ?? appendedAtMs);
    this.#batches.push({
      end: this.#end,
      messages: messages.length,
      bytes,
      appendedMs: appendedAtMs,
      latestMs,
    });
    this.#bytes += bytes;
    return base;
  }

  /** `fromOffset` lies between start and end. */
  read({ fromOffset, messagesMax, bytesMax }: ReadRequest): StoredMessage[] {
    const messages: StoredMessage[] = [];
    let bytes = 0;
    for (let at = this.#indexOf(fromOffset); at < this.#entries.length; at++) {
      const entry = this.#entries[at] as StoredMessage;
      bytes += messageBytes(entry.message);
      if (messages.length > 0 && (messages.length >= messagesMax || bytes > bytesMax)) break;
      messages.push(entry);
    }
    return messages;
  }

  offsetAtTime(timeMs: number): number {
    const batches = this.#batches;
    let at = firstIndex(
      this.#oldestBatch,
      batches.length,
      (index) => (batches[index] as Batch).latestMs >= timeMs,
    );
    // What made `latestMs` as late may be gone or empty.
    while (
      at < batches.length &&
      ((batches[at] as Batch).appendedMs < timeMs || (batches[at] as Batch).messages === 0)
    )
      at++;
    if (at === batches.length) return this.#end;
    const base = at === this.#oldestBatch ? this.#start : (batches[at - 1] as Batch).end;
    return (this.#entries[this.#indexOf(base)] as StoredMessage).offset;
  }

  /** Removes whole batches from the front, and says how many messages went. */
  expire({ retention }: CleanupPolicy, nowMs: number): number {
    if (!hasLimits(retention)) return 0;
    const before = this.#count();
    for (; this.#oldestBatch < this.#batches.length; this.#oldestBatch++) {
      const oldest = this.#batches[this.#oldestBatch] as Batch;
      const totals = { messages: this.#count(), bytes: this.#bytes };
      if (!isExpired(oldest, totals, retention, nowMs)) break;
      this.#head += oldest.messages;
      this.#bytes -= oldest.bytes;
      this.#start = oldest.end;
    }
    this.#giveBack();
    return before - this.#count();
  }

  /** Removes, when that is due, what newer messages of the same key replace, and says how many messages went. */
  compact({ compact, tombstoneMs }: CleanupPolicy, nowMs: number): number {
    const newest = this.#batches.at(-1);
    if (!compact || newest === undefined || !this.#isDirty(newest, tombstoneMs, nowMs)) return 0;
    const newestOffsets = new Map<string, number>();
    for (let at = this.#head; at < this.#entries.length; at++) {
      const { message, offset } = this.#entries[at] as StoredMessage;
      if (hasKey(message.key)) newestOffsets.set(message.key, offset);
    }
    const isKept = (entry: StoredMessage): boolean =>
      !isReplaced(entry.message.key, entry.offset, newestOffsets) &&
      !isSpentTombstone(entry, tombstoneMs, nowMs);
    return this.#rewrite(isKept, tombstoneMs);
  }

  #isDirty(newest: Batch, tombstoneMs: number, nowMs: number): boolean {
    const dirtyFrom = this.#indexOf(Math.max(this.#cleanedTo, this.#start));
    const compactable = this.#count() - newest.messages;
    const dirty = Math.max(0, compactable - (dirtyFrom - this.#head));
    const oldestDirtyMs = dirty > 0 ? (this.#entries[dirtyFrom] as StoredMessage).appendedAtMs : null;
    const tombstoneDueMs = this.#tombstoneDueMs;
    return isCompactionDue({ compactable, dirty, oldestDirtyMs, tombstoneDueMs }, tombstoneMs, nowMs);
  }

  #rewrite(keep: (entry: StoredMessage) => boolean, tombstoneMs: number): number {
    const before = this.#count();
    const entries: StoredMessage[] = [];
    const batches: Batch[] = [];
    let at = this.#head;
    this.#tombstoneDueMs = null;
    for (let index = this.#oldestBatch; index < this.#batches.length; index++) {
      const batch = this.#batches[index] as Batch;
      const isNewest = index === this.#batches.length - 1;
      if (isNewest) this.#cleanedTo = batch.end - batch.messages;
      let [messages, bytes] = [0, 0];
      for (const next = at + batch.messages; at < next; at++) {
        const entry = this.#entries[at] as StoredMessage;
        if (!isNewest && !keep(entry)) continue;
        if (!isNewest && isTombstone(entry.message)) this.#noteTombstone(batch.appendedMs + tombstoneMs);
        entries.push(entry);
        messages++;
        bytes += messageBytes(entry.message);
      }
      this.#bytes += bytes - batch.bytes;
      // Neighbours that hold nothing any more are one.
      if (messages === 0 && batches.at(-1)?.messages === 0) batches.pop();
      batches.push({ ...batch, messages, bytes });
    }
    this.#entries = entries;
    this.#head = 0;
    this.#batches = batches;
    this.#oldestBatch = 0;
    return before - entries.length;
  }

  #noteTombstone(dueMs: number): void {
    this.#tombstoneDueMs = Math.min(this.#tombstoneDueMs ?? dueMs, dueMs);
  }

  #count(): number {
    return this.#entries.length - this.#head;
  }

  /** Index of the first entry at or after `offset`. */
  #indexOf(offset: number): number {
    const entries = this.#entries;
    const first = entries[this.#head];
    if (first === undefined || offset <= first.offset) return this.#head;
    // Without gaps before it, which is the rule, the entry is where counting puts it.
    const guess = this.#head + offset - first.offset;
    if (entries[guess]?.offset === offset) return guess;
    return firstIndex(
      this.#head,
      Math.min(guess, entries.length),
      (at) => (entries[at] as StoredMessage).offset >= offset,
    );
  }

  #giveBack(): void {
    if (this.#head > HEAD_MAX && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    if (this.#oldestBatch > HEAD_MAX && this.#oldestBatch * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#oldestBatch);
      this.#oldestBatch = 0;
    }
  }
}

/** The first index of `from` … `to` for which `fits` holds; `to` when there is none. */
function firstIndex(from: number, to: number, fits: (index: number) => boolean): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
