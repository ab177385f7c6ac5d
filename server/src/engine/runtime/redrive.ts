import type { RedrivePart, RedriveProgress } from '@millrace/shared/deadLetters/redrive.ts';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { EngineCommand, EngineError } from '../io.ts';
import { answer, answerWhenDurable, refuse } from './answers.ts';
import { fullReader } from './backlog.ts';
import type { TopicRuntime } from './consumer.ts';
import type { Core } from './core.ts';
import { count } from './counters.ts';
import { appendRefusal } from './faults/appending.ts';
import { closeFullGroup, isGroupFull } from './groups.ts';
import {
  APPEND_RETRY_MS,
  FETCH_ATTEMPTS_MAX,
  FETCH_RETRY_MS,
  REDRIVE_BATCH_BYTES,
  REDRIVE_BATCH_MESSAGES,
  REDRIVE_DRY_RUNS_MAX,
} from './limits.ts';
import { appendPlaced, endBatch } from './placement.ts';
import {
  countVerdict,
  createJob,
  keepJob,
  mark,
  partitionAt,
  partOf,
  progressOf,
  saveJob,
} from './redriveJob.ts';
import type { JobPart, RedriveJob } from './redriveState.ts';
import { type Verdict, verdictOf } from './redriveVerdict.ts';
import { isOver } from './status.ts';
import { armTimer, keepTimer } from './timers.ts';
import { traceOf, traceWhenDurable } from './traces.ts';
import { addWake } from './wakes.ts';

/**
 * Rule DL5: sends dead letters back to where they came from.
 *
 * A job reads its topics from the first dead letter to the last that was there when it began, one after the other.
 * Whatever it sends back is in one write with the mark that says so and with where the job stands: a kill, a cancellation
 * or a second job finds each dead letter either sent back, once, or untouched. A dry run takes the same decisions.
 */
export function onRedrive(
  core: Core,
  requestId: number,
  { parts, dryRun }: Extract<EngineCommand, { type: 'redrive' }>,
): void {
  const refusal = refusalOf(core, parts, dryRun);
  if (refusal !== null) {
    refuse(core, requestId, refusal);
    return;
  }
  const placed = parts.map(({ topicId, selection }) => ({
    topic: core.topics.get(topicId) as TopicRuntime,
    selection,
  }));
  const job = createJob(core, placed, dryRun ? requestId : null);
  if (dryRun) {
    core.redrives.dryRuns.push(job);
    return;
  }
  keepJob(core, job, parts);
  answerWhenDurable(core, requestId, progressOf(job));
}

function refusalOf(core: Core, parts: readonly RedrivePart[], dryRun: boolean): EngineError | null {
  const { dryRuns } = core.redrives;
  if (core.status !== 'running' && core.status !== 'paused') return notActive(core);
  if (parts.length === 0 || parts.some(({ topicId }) => !core.topics.has(topicId))) return noTopic();
  if (!dryRun) return busyRefusal(core, parts);
  if (dryRuns.length < REDRIVE_DRY_RUNS_MAX) return null;
  return {
    code: 'RUN_TRANSITION_REFUSED',
    message: `${dryRuns.length} dry runs are under way; wait for one of them.`,
  };
}

/** One job at a time sends back from a topic. */
function busyRefusal(core: Core, wanted: readonly { topicId: string }[]): EngineError | null {
  for (const { parts, status } of core.redrives.jobs) {
    if (status !== 'running') continue;
    const shared = parts.find(({ topicId }) => wanted.some((part) => part.topicId === topicId));
    const topic = shared && core.topics.get(shared.topicId);
    if (topic) return oneAtATime(topic);
  }
  return null;
}

export function onCancelRedrive(core: Core, requestId: number, redriveId: string): void {
  const job = core.redrives.jobs.find(({ id }) => id === redriveId);
  if (!job) return refuse(core, requestId, noJob(redriveId));
  if (job.status === 'running') stopJob(core, job, 'cancelled');
  answerWhenDurable(core, requestId, progressOf(job));
}

/** Goes on where a cancelled one stood. One that is done, or runs, is answered as it is. */
export function onResumeRedrive(core: Core, requestId: number, redriveId: string): void {
  const job = core.redrives.jobs.find(({ id }) => id === redriveId);
  if (!job) return refuse(core, requestId, noJob(redriveId));
  if (job.status === 'cancelled') {
    if (core.status !== 'running' && core.status !== 'paused')
      return refuse(core, requestId, notActive(core));
    if (!job.parts.some(({ topicId }) => core.topics.has(topicId))) return refuse(core, requestId, noTopic());
    const busy = busyRefusal(core, job.parts);
    if (busy) return refuse(core, requestId, busy);
    job.status = 'running';
    job.fetchFailures = 0;
    saveJob(core, job);
  }
  answerWhenDurable(core, requestId, progressOf(job));
}

/** Goes on with every job as far as it can go now. */
export function pumpRedrives(core: Core): void {
  const { jobs, dryRuns } = core.redrives;
  if (core.status !== 'running' && core.status !== 'paused') {
    for (const { requestId } of dryRuns.splice(0)) refuse(core, requestId as number, notActive(core));
    // What a run that ends has not sent back is not sent back.
    if (!isOver(core)) for (const job of jobs) if (job.status === 'running') stopJob(core, job, 'cancelled');
    return;
  }
  for (const job of [...dryRuns]) advance(core, job);
  if (core.status !== 'running') return;
  for (const job of jobs) if (job.status === 'running') advance(core, job);
}

function advance(core: Core, job: RedriveJob): void {
  while (job.head < job.buffer.length && job.status === 'running') {
    if (!takeNext(core, job)) break;
    if (!isGroupFull(core)) continue;
    saveJob(core, job);
    closeFullGroup(core);
  }
  if (job.unsaved) saveJob(core, job);
  if (job.head < job.buffer.length || job.fetchId !== null) return;
  if (!fetchNext(core, job)) stopJob(core, job, 'done');
}

/** False when the next dead letter has to wait for room. */
function takeNext(core: Core, job: RedriveJob): boolean {
  const stored = job.buffer[job.head] as StoredMessage;
  const verdict = verdictOf(core, job, stored);
  if (verdict.verdict === 'redriven' && job.requestId === null) {
    if (mustWait(core, verdict.target)) return false;
    sendBack(core, job, stored, verdict);
  }
  countVerdict(job, verdict.verdict);
  moveOn(job, stored.offset);
  job.head++;
  return true;
}

/** Rule TP6 holds for what is sent back, too; storage is not flooded, and a topic that takes nothing is asked again later. */
function mustWait(core: Core, target: TopicRuntime): boolean {
  const { stalled, closed } = core.writes;
  if (stalled !== null || closed.length > 1 || fullReader([target]) !== null) return true;
  if (appendRefusal(core, target, null) === null) return false;
  addWake(core.wakes, core.nowMs + APPEND_RETRY_MS, { kind: 'producer' });
  return true;
}

function sendBack(
  core: Core,
  job: RedriveJob,
  { offset }: StoredMessage,
  { target, message, again }: Extract<Verdict, { verdict: 'redriven' }>,
): void {
  const { partition } = job;
  const { topicId } = partOf(job);
  const topic = core.topics.get(topicId) as TopicRuntime;
  if ('timer' in again) {
    keepTimer(core, again.timer);
    const consumer = core.consumersById.get(again.timer.node);
    if (consumer) armTimer(core, consumer, again.timer);
  } else for (const placed of again.placed) appendPlaced(core, placed, null);
  endBatch(target);
  mark(core, topicId, partition, offset, job.id);
  count(core, topic.counter).redriven++;
  const record = traceOf('redriven', core.nowMs, topicId, message, { topic: topicId, partition, offset }, 0);
  record.detail = target.planned.topic;
  traceWhenDurable(core, record);
}

/** Everything up to `offset` was looked at. What compaction took from between was never there to be looked at. */
function moveOn(job: RedriveJob, offset: number): void {
  const at = partitionAt(job);
  job.total -= offset - at.next;
  at.next = offset + 1;
}

/** False when there is nothing left to read. */
function fetchNext(core: Core, job: RedriveJob): boolean {
  // A topic that is not in the flow any more keeps its dead letters.
  const part = job.parts.findIndex(
    (candidate) => core.topics.has(candidate.topicId) && unreadPartition(candidate) >= 0,
  );
  if (part < 0) return false;
  job.part = part;
  job.partition = unreadPartition(partOf(job));
  job.buffer = [];
  job.head = 0;
  if (job.fetchAtMs > core.nowMs) return true;
  const { next, end } = partitionAt(job);
  job.fetchId = core.nextId++;
  core.redrives.fetches.set(job.fetchId, job);
  core.effects.push({
    type: 'fetch',
    fetchId: job.fetchId,
    topic: partOf(job).topicId,
    partition: job.partition,
    fromOffset: next,
    messagesMax: Math.min(REDRIVE_BATCH_MESSAGES, end - next),
    bytesMax: REDRIVE_BATCH_BYTES,
  });
  return true;
}

function unreadPartition({ partitions }: JobPart): number {
  return partitions.findIndex(({ next, end }) => next < end);
}

export function isRedriveFetch(core: Core, fetchId: number): boolean {
  return core.redrives.fetches.has(fetchId);
}

/** The job the fetch was for; null when it was stopped meanwhile. */
function takeFetch(core: Core, fetchId: number): RedriveJob | null {
  const job = core.redrives.fetches.get(fetchId) as RedriveJob;
  core.redrives.fetches.delete(fetchId);
  if (job.fetchId !== fetchId) return null;
  job.fetchId = null;
  return job;
}

export function onRedriveFetched(core: Core, fetchId: number, messages: StoredMessage[]): void {
  const job = takeFetch(core, fetchId);
  if (!job) return;
  const at = partitionAt(job);
  job.fetchFailures = 0;
  job.buffer = messages.filter(({ offset }) => offset >= at.next && offset < at.end);
  // Nothing is left below the end: compaction or retention took the rest.
  if (job.buffer.length === 0) skipTo(job, at.end);
}

export function onRedriveFetchFailed(
  core: Core,
  fetchId: number,
  error: EngineError,
  deleted: { start: number; end: number } | undefined,
): void {
  const job = takeFetch(core, fetchId);
  if (!job) return;
  if (deleted !== undefined) {
    skipTo(job, deleted.start);
    return;
  }
  job.fetchFailures++;
  job.fetchAtMs = core.nowMs + FETCH_RETRY_MS;
  addWake(core.wakes, job.fetchAtMs, { kind: 'producer' });
  if (job.fetchFailures < FETCH_ATTEMPTS_MAX) return;
  core.lines.push({
    level: 'error',
    nodeId: partOf(job).topicId,
    message: `Sending dead letters back was given up: ${error.message}`,
    messageId: null,
    correlationId: null,
  });
  if (job.requestId === null) stopJob(core, job, 'cancelled');
  else {
    forgetDryRun(core, job);
    refuse(core, job.requestId, error);
  }
}

/** Dead letters below `offset` are gone, or were never there. */
function skipTo(job: RedriveJob, offset: number): void {
  const at = partitionAt(job);
  const to = Math.min(offset, at.end);
  if (to <= at.next) return;
  job.total -= to - at.next;
  at.next = to;
  job.unsaved = true;
}

function stopJob(core: Core, job: RedriveJob, status: RedriveProgress['status']): void {
  job.status = status;
  job.buffer = [];
  job.head = 0;
  job.fetchId = null;
  if (job.requestId === null) saveJob(core, job);
  else {
    forgetDryRun(core, job);
    answer(core, job.requestId, progressOf(job));
  }
}

function forgetDryRun(core: Core, job: RedriveJob): void {
  const { dryRuns } = core.redrives;
  dryRuns.splice(dryRuns.indexOf(job), 1);
}

function noTopic(): EngineError {
  return { code: 'TOPIC_NOT_FOUND', message: 'This run has no such topic.' };
}

function noJob(id: string): EngineError {
  return { code: 'REDRIVE_NOT_FOUND', message: `This run knows no redrive ${id.slice(0, 64)}.` };
}

function oneAtATime(topic: TopicRuntime): EngineError {
  return {
    code: 'RUN_TRANSITION_REFUSED',
    message: `A redrive of ${topic.planned.name} is under way. Wait for it, or cancel it first.`,
  };
}

function notActive(core: Core): EngineError {
  return { code: 'RUN_NOT_ACTIVE', message: `The run is ${core.status}; dead letters stay where they are.` };
}
