import {
  type RedriveCounts,
  type RedrivePart,
  type RedriveProgress,
  type RedriveSelection,
  selectorOf,
  zeroRedriveCounts,
} from '@millrace/shared/deadLetters/redrive.ts';
import type { TopicRuntime } from './consumer.ts';
import type { Core } from './core.ts';
import { REDRIVES_KEPT_MAX } from './limits.ts';
import type { JobPart, JobPartition, RedriveJob, Redrives, StoredJob } from './redriveState.ts';
import { putState } from './stateStore.ts';

export function createRedrives(): Redrives {
  return {
    jobs: [],
    dryRuns: [],
    selections: new Map(),
    fetches: new Map(),
    marks: new Map(),
    nextNumber: 1,
  };
}

/** From the first dead letter there is in each of the topics to the last there is now. */
export function createJob(
  core: Core,
  parts: readonly { topic: TopicRuntime; selection: RedriveSelection }[],
  dryRun: number | null,
): RedriveJob {
  const jobParts = parts.map(
    ({ topic }): JobPart => ({
      topicId: topic.planned.topic,
      partitions: topic.ends.map((end, partition) => ({ next: topic.starts[partition] as number, end })),
    }),
  );
  const partitions = jobParts.flatMap((part) => part.partitions);
  return jobOf(
    {
      id: dryRun === null ? `redrive:${core.redrives.nextNumber++}` : 'dry-run',
      status: 'running',
      startedMs: core.nowMs,
      counts: zeroRedriveCounts(),
      total: partitions.reduce((sum, { next, end }) => sum + end - next, 0),
      parts: jobParts,
    },
    parts.map(({ selection }) => selection),
    dryRun,
  );
}

function jobOf(
  stored: StoredJob,
  selections: readonly RedriveSelection[],
  requestId: number | null,
): RedriveJob {
  return {
    ...stored,
    requestId,
    selectors: selections.map(selectorOf),
    shown: progressOf(stored),
    unsaved: false,
    buffer: [],
    head: 0,
    part: 0,
    partition: 0,
    fetchId: null,
    fetchFailures: 0,
    fetchAtMs: 0,
  };
}

/** The part, and the partition of it, whose dead letters the job looks at. */
export function partOf({ parts, part }: RedriveJob): JobPart {
  return parts[part] as JobPart;
}

export function partitionAt(job: RedriveJob): JobPartition {
  return partOf(job).partitions[job.partition] as JobPartition;
}

export function progressOf({ id, parts, status, startedMs, counts, total }: StoredJob): RedriveProgress {
  const topicIds = parts.map(({ topicId }) => topicId);
  return { id, topicIds, status, startedMs, counts: { ...counts }, total };
}

/** What may be shown. A job that the end of its run has cut short does not go on. */
export function shownRedrives(core: Core, over: boolean): RedriveProgress[] {
  return core.redrives.jobs.map(({ shown }) =>
    over && shown.status === 'running' ? { ...shown, status: 'cancelled' } : shown,
  );
}

export function isRedriving({ redrives: { jobs, dryRuns } }: Core): boolean {
  return dryRuns.length > 0 || jobs.some(({ status }) => status === 'running');
}

/** Keeps the job; the oldest that are over make room for it. */
export function keepJob(core: Core, job: RedriveJob, parts: readonly RedrivePart[]): void {
  const { jobs, selections } = core.redrives;
  const selected = parts.map(({ selection }) => selection);
  jobs.push(job);
  selections.set(job.id, selected);
  putState(core, 'redrive', selectionKey(job.id), JSON.stringify(selected));
  saveJob(core, job);
  while (jobs.length > REDRIVES_KEPT_MAX) {
    const oldest = jobs.findIndex(({ status }) => status !== 'running');
    // Every topic is part of one that is running at most; they are all kept.
    if (oldest < 0) return;
    const [dropped] = jobs.splice(oldest, 1) as [RedriveJob];
    selections.delete(dropped.id);
    putState(core, 'redrive', dropped.id, null);
    putState(core, 'redrive', selectionKey(dropped.id), null);
  }
}

/** Puts where the job stands into the open write group: beside the appends that brought it there. */
export function saveJob(core: Core, job: RedriveJob): void {
  job.unsaved = false;
  if (job.requestId !== null) return;
  const { id, status, startedMs, counts, total, parts } = job;
  const stored: StoredJob = { id, status, startedMs, counts, total, parts };
  putState(core, 'redrive', id, JSON.stringify(stored));
  core.writes.open.redrives.set(job, progressOf(job));
}

const SELECTION_SUFFIX = ':selection';

function selectionKey(id: string): string {
  return `${id}${SELECTION_SUFFIX}`;
}

/** Entries come in any order: the selections of a job may be known before it or after it. */
export function restoreRedrive(core: Core, key: string, value: string): void {
  const { jobs, selections } = core.redrives;
  if (key.endsWith(SELECTION_SUFFIX)) {
    const id = key.slice(0, -SELECTION_SUFFIX.length);
    const selected = JSON.parse(value) as RedriveSelection[];
    selections.set(id, selected);
    const known = jobs.find((job) => job.id === id);
    if (known) known.selectors = selected.map(selectorOf);
    return;
  }
  const job = jobOf(JSON.parse(value) as StoredJob, selections.get(key) ?? [], null);
  jobs.push(job);
  jobs.sort((a, b) => numberOf(a) - numberOf(b));
  core.redrives.nextNumber = Math.max(core.redrives.nextNumber, numberOf(job) + 1);
}

function numberOf({ id }: RedriveJob): number {
  return Number(id.slice(id.indexOf(':') + 1));
}

export function mark(core: Core, topic: string, partition: number, offset: number, jobId: string): void {
  addMark(core, topic, partition, offset);
  putState(core, `redriven:${topic}`, `${partition}/${offset}`, JSON.stringify(jobId));
}

export function restoreMark(core: Core, topic: string, key: string): void {
  const [partition, offset] = key.split('/').map(Number) as [number, number];
  addMark(core, topic, partition, offset);
}

function addMark(core: Core, topic: string, partition: number, offset: number): void {
  const { marks } = core.redrives;
  const partitions = marks.get(topic) ?? new Map<number, Set<number>>();
  marks.set(topic, partitions);
  const offsets = partitions.get(partition) ?? new Set<number>();
  partitions.set(partition, offsets);
  offsets.add(offset);
}

export function isMarked(core: Core, topic: string, partition: number, offset: number): boolean {
  return core.redrives.marks.get(topic)?.get(partition)?.has(offset) ?? false;
}

/** How many of the dead letters that are in the topic were sent back. */
export function markCount(core: Core, topic: string): number {
  let marked = 0;
  for (const offsets of core.redrives.marks.get(topic)?.values() ?? []) marked += offsets.size;
  return marked;
}

/** Marks of dead letters that retention has deleted say nothing any more. */
export function forgetMarks(core: Core, topic: TopicRuntime, partition: number, start: number): void {
  const id = topic.planned.topic;
  const offsets = core.redrives.marks.get(id)?.get(partition);
  if (!offsets) return;
  for (const offset of offsets) {
    if (offset >= start) continue;
    offsets.delete(offset);
    putState(core, `redriven:${id}`, `${partition}/${offset}`, null);
  }
}

export function countVerdict(job: RedriveJob, verdict: Exclude<keyof RedriveCounts, 'looked'>): void {
  job.counts.looked++;
  job.counts[verdict]++;
  job.unsaved = true;
}
