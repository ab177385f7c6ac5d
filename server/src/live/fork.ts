import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import { type NodeCounters, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { partitionForKey } from '@millrace/shared/util/murmur.ts';
import type { Broker, WriteBatch } from '../brokers/broker.ts';
import type { ExecutionPlan, PlannedTopic } from '../engine/plan/plan.ts';

/** Where a run begins that handles again what another one has handled (RN5). */
export type ForkOrigin = {
  /** Folder of the run that is forked. */
  folder: string;
  topic: string;
  partition: number;
  offset: number;
};

/** Read access to the log of the run that is forked. */
export interface ForkSource {
  offsets(topic: string): { start: number; end: number }[];
  offsetAtTime(topic: string, partition: number, timeMs: number): number;
  read(request: {
    topic: string;
    partition: number;
    fromOffset: number;
    messagesMax: number;
    bytesMax: number;
  }): { messages: StoredMessage[] };
}

/** What is copied at once, and so what a copy holds in memory. */
const PAGE_MESSAGES = 500;
const PAGE_BYTES = 4 * 1024 * 1024;
/** A copy says how far it is about so often. */
const PROGRESS_SHARE = 0.1;

const PROGRESS_KEY = 'fork';

/** Kept with every page in one write, so that a copy goes on after a crash where it was, and doubles nothing. */
type Progress = { next: number[]; ends: number[]; copied: number; done: boolean };

export type ForkCopy = {
  broker: Broker;
  plan: ExecutionPlan;
  source: ForkSource;
  fork: ForkOrigin;
  nowMs(): number;
  onProgress(sentence: string): void;
  /** Asked between pages. */
  isCancelled(): boolean;
};

/** Copies into a new log what the fork begins with. False when it was cancelled before its end. */
export async function copyFork(copy: ForkCopy): Promise<boolean> {
  const { broker, plan, fork } = copy;
  const topic = plan.topics.find((candidate) => candidate.topic === fork.topic);
  if (!topic) {
    throw new WorkbenchError(
      'TOPIC_NOT_FOUND',
      'The topic to be handled again is not in the drawing any more.',
    );
  }
  const progress = (await savedProgress(broker)) ?? firstProgress(copy);
  if (progress.done) return true;
  const total = progress.ends.reduce(
    (sum, end, partition) => sum + end - (progress.next[partition] ?? end),
    0,
  );
  const all = progress.copied + total;
  let said = progress.copied;
  for (const [partition, end] of progress.ends.entries()) {
    for (let next = progress.next[partition] ?? end; next < end; next = progress.next[partition] ?? end) {
      if (copy.isCancelled()) return false;
      await copyPage(copy, topic, progress, partition);
      if (progress.copied - said < all * PROGRESS_SHARE) continue;
      said = progress.copied;
      copy.onProgress(`Copied ${said} of ${all} messages of ${topic.name}.`);
    }
  }
  await broker.write(lastWrite(copy, topic, progress));
  return true;
}

async function savedProgress(broker: Broker): Promise<Progress | null> {
  const entry = (await broker.state()).find(({ store, key }) => store === 'run' && key === PROGRESS_KEY);
  // Written below, in this form.
  return entry ? (JSON.parse(entry.value) as Progress) : null;
}

/** From the chosen message on in its partition, and in the others from what was appended with it or after it. */
function firstProgress({ source, fork }: ForkCopy): Progress {
  const { topic, partition } = fork;
  const anchor = anchorOf(source, fork);
  const partitions = source.offsets(topic);
  const next = partitions.map(({ start, end }, number) => {
    if (number === partition) return Math.max(start, anchor.offset);
    return Math.min(end, Math.max(start, source.offsetAtTime(topic, number, anchor.appendedAtMs)));
  });
  return { next, ends: partitions.map(({ end }) => end), copied: 0, done: false };
}

/** The message a fork begins with; OFFSET_OUT_OF_RANGE when nothing is there. */
export function anchorOf(
  source: ForkSource,
  { topic, partition, offset }: Omit<ForkOrigin, 'folder'>,
): StoredMessage {
  const { start, end } = source.offsets(topic)[partition] ?? { start: 0, end: 0 };
  const fromOffset = Math.max(start, offset);
  const [anchor] =
    fromOffset < end
      ? source.read({ topic, partition, fromOffset, messagesMax: 1, bytesMax: 1 }).messages
      : [];
  if (anchor) return anchor;
  throw new WorkbenchError(
    'OFFSET_OUT_OF_RANGE',
    `Partition ${partition} of this topic holds no message at offset ${offset} or after it: it ends at ${end}.`,
    { details: { start, end } },
  );
}

async function copyPage(
  { broker, source, fork, nowMs }: ForkCopy,
  topic: PlannedTopic,
  progress: Progress,
  partition: number,
): Promise<void> {
  const fromOffset = progress.next[partition] as number;
  const end = progress.ends[partition] as number;
  const request = {
    topic: fork.topic,
    partition,
    fromOffset,
    messagesMax: PAGE_MESSAGES,
    bytesMax: PAGE_BYTES,
  };
  const page = source.read(request).messages.filter(({ offset }) => offset < end);
  const last = page.at(-1);
  // Nothing up to the end: compaction has left a gap there.
  progress.next[partition] = last === undefined ? end : last.offset + 1;
  progress.copied += page.length;
  const byPartition = new Map<number, StoredMessage[]>();
  for (const stored of page) {
    const to = targetOf(stored, partition, progress.ends.length, topic.partitions);
    const others = byPartition.get(to);
    if (others) others.push(stored);
    else byPartition.set(to, [stored]);
  }
  const appends = [...byPartition].map(([to, messages]) => ({
    topic: topic.topic,
    partition: to,
    messages: messages.map(({ message }) => message),
  }));
  await broker.write({ appends, commits: [], state: [progressEntry(progress)], nowMs: nowMs() });
}

/** Each stays in its partition, unless the topic has more or fewer of them now: then its key says where it belongs. */
function targetOf({ message }: StoredMessage, partition: number, before: number, now: number): number {
  if (before === now) return partition;
  return message.key === null ? partition % now : partitionForKey(message.key, now);
}

/** Those who read the topic begin with what was copied, whatever they say of new groups; and the topic has counted it. */
function lastWrite({ plan, nowMs }: ForkCopy, topic: PlannedTopic, progress: Progress): WriteBatch {
  progress.done = true;
  const readers = plan.consumers.filter(({ subscriptions }) =>
    subscriptions.some((subscription) => subscription.topic === topic.topic),
  );
  const commits = readers.flatMap(({ node: group }) =>
    Array.from({ length: topic.partitions }, (_, partition) => ({
      group,
      topic: topic.topic,
      partition,
      offset: 0,
    })),
  );
  const counted: NodeCounters = { ...zeroCounters(), in: progress.copied };
  const state = [
    progressEntry(progress),
    { store: 'counters', key: topic.topic, value: JSON.stringify(counted) },
  ];
  return { appends: [], commits, state, nowMs: nowMs() };
}

function progressEntry(progress: Progress): WriteBatch['state'][number] {
  return { store: 'run', key: PROGRESS_KEY, value: JSON.stringify(progress) };
}
