import {
  type RedriveCounts,
  type RedriveProgress,
  type RedriveSelection,
  selectorOf,
  zeroRedriveCounts,
} from '@millrace/shared/deadLetters/redrive.ts';
import type { TopicRuntime } from './consumer.ts';
import type { Core } from './core.ts';
import { REDRIVES_KEPT_MAX } from './limits.ts';
import type { RedriveJob, Redrives, StoredJob } from './redriveState.ts';
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

/** From the first dead letter there is to the last there is now. */
export function createJob(
  core: Core,
  topic: TopicRuntime,
  selection: RedriveSelection,
  dryRun: number | null,
): RedriveJob {
  const partitions = topic.ends.map((end, partition) => ({ next: topic.starts[partition] as number, end }));
  return jobOf(
    {
      id: dryRun === null ? `redrive:${core.redrives.nextNumber++}` : 'dry-run',
      topicId: topic.planned.topic,
      status: 'running',
      startedMs: core.nowMs,
      counts: zeroRedriveCounts(),
      total: partitions.reduce((sum, { next, end }) => sum + end - next, 0),
      partitions,
    },
    selection,
    dryRun,
  );
}

function jobOf(stored: StoredJob, selection: RedriveSelection, requestId: number | null): RedriveJob {
  return {
    ...stored,
    requestId,
    isSelected: selectorOf(selection),
    shown: progressOf(stored),
    unsaved: false,
    buffer: [],
    head: 0,
    partition: 0,
    fetchId: null,
    fetchFailures: 0,
    fetchAtMs: 0,
  };
}

export function progressOf({
  id,
  topicId,
  status,
  startedMs,
  counts,
  total,
}: RedriveProgress): RedriveProgress {
  return { id, topicId, status, startedMs, counts: { ...counts }, total };
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
export function keepJob(core: Core, job: RedriveJob, selection: RedriveSelection): void {
  const { jobs, selections } = core.redrives;
  jobs.push(job);
  selections.set(job.id, selection);
  putState(core, 'redrive', selectionKey(job.id), JSON.stringify(selection));
  saveJob(core, job);
  while (jobs.length > REDRIVES_KEPT_MAX) {
    const oldest = jobs.findIndex(({ status }) => status !== 'running');
    // Every topic has one that is running at most; they are all kept.
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
  const stored: StoredJob = { ...progressOf(job), partitions: job.partitions };
  putState(core, 'redrive', job.id, JSON.stringify(stored));
  core.writes.open.redrives.set(job, progressOf(job));
}

const SELECTION_SUFFIX = ':selection';

function selectionKey(id: string): string {
  return `${id}${SELECTION_SUFFIX}`;
}

/** Entries come in any order: the selection of a job may be known before it or after it. */
export function restoreRedrive(core: Core, key: string, value: string): void {
  const { jobs, selections } = core.redrives;
  if (key.endsWith(SELECTION_SUFFIX)) {
    const id = key.slice(0, -SELECTION_SUFFIX.length);
    const selection = JSON.parse(value) as RedriveSelection;
    selections.set(id, selection);
    const known = jobs.find((job) => job.id === id);
    if (known) known.isSelected = selectorOf(selection);
    return;
  }
  const job = jobOf(JSON.parse(value) as StoredJob, selections.get(key) ?? { places: [] }, null);
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
