import type { StoredMessage } from '@millrace/shared/message/message.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import type { EngineError } from '../io.ts';
import { moveCommitted, noteAppended } from './backlog.ts';
import type { OpenAppend } from './consumer.ts';
import type { Core, WriteGroup } from './core.ts';
import { repeatUnheard } from './faults/appending.ts';
import { refuseWaiting } from './ingest.ts';
import { enqueueLane } from './laneQueue.ts';
import { fetchMore, serveTail } from './lanes.ts';
import { WRITE_RETRY_MS } from './limits.ts';
import { failNow } from './status.ts';
import { emitPlain } from './traces.ts';
import { addWake } from './wakes.ts';

/** Rule TP3: only now, when the write is durable, does anything of it count, show or go further. */
export function onWritten(core: Core, writeId: number, bases: number[]): void {
  const { writes } = core;
  if (writes.underWay?.writeId !== writeId) return;
  const { group } = writes.underWay;
  writes.underWay = null;
  writes.closed.shift();
  writes.acknowledged = group.number;
  if (writes.stalled !== null) {
    writes.stalled = null;
    core.effects.push({ type: 'stalled', reason: null });
  }
  assert(
    bases.length === group.appends.length,
    `${group.appends.length} appends were answered with ${bases.length} offsets`,
  );
  core.tracesPending -= group.records.length + group.messages;
  core.records.take(group.records);
  for (const { counter, values } of group.counters) counter.acknowledged = values;
  acknowledgeCommits(group);
  for (let i = 0; i < group.appends.length; i++)
    acknowledgeAppend(core, group.appends[i] as OpenAppend, bases[i] as number);
  for (const { producer, messages } of group.producers) producer.unacknowledged -= messages;
  answerIngests(core, group);
  for (const [job, shown] of group.redrives) job.shown = shown;
  for (const { requestId, value } of group.answers)
    core.effects.push({ type: 'answer', requestId, ok: true, value });
  for (const lane of group.lanes) {
    enqueueLane(lane);
    fetchMore(core, lane);
  }
}

function acknowledgeCommits(group: WriteGroup): void {
  for (const { lane, offset, messages } of group.commits) {
    lane.unacknowledged -= messages;
    moveCommitted(lane, offset);
  }
}

function acknowledgeAppend(core: Core, open: OpenAppend, base: number): void {
  const { topic, append } = open;
  const { partition, messages } = append;
  open.base = base;
  if (core.faults.size > 0) repeatUnheard(core, open);
  topic.ends[partition] = base + messages.length;
  noteAppended(topic, partition, base + messages.length, open.bytes);
  const stored: StoredMessage[] = [];
  const place = { topic: topic.planned.topic, partition, offset: base };
  for (const message of messages) {
    stored.push({ message, offset: place.offset, appendedAtMs: core.nowMs });
    emitPlain(core, 'appended', topic.planned.topic, message, place, 0);
    place.offset++;
  }
  serveTail(core, topic, partition, stored);
}

function answerIngests(core: Core, group: WriteGroup): void {
  for (const { requestId, accepted, dropped } of group.replies) {
    core.effects.push({
      type: 'reply',
      requestId,
      ok: true,
      accepted: accepted.map(({ id, append, index }) => ({
        id,
        topic: append.append.topic,
        partition: append.append.partition,
        offset: append.base + index,
      })),
      dropped,
    });
  }
}

/**
 * A refused write is kept and tried again, unchanged, until storage takes it: meanwhile producers fill their limits and
 * wait, and nothing is lost. What trying again cannot mend ends the run.
 */
export function onWriteFailed(core: Core, writeId: number, error: EngineError, retryable: boolean): void {
  const { writes } = core;
  if (writes.underWay?.writeId !== writeId) return;
  writes.underWay = null;
  if (!retryable) {
    refuseRequests(core, error);
    failNow(core, error);
    return;
  }
  writes.retryAtMs = core.nowMs + WRITE_RETRY_MS;
  addWake(core.wakes, writes.retryAtMs, { kind: 'write' });
  if (writes.stalled !== error.message) {
    writes.stalled = error.message;
    core.effects.push({ type: 'stalled', reason: error.message });
  }
}

function refuseRequests(core: Core, error: EngineError): void {
  refuseWaiting(core, error);
  for (const group of [...core.writes.closed, core.writes.open]) {
    for (const { requestId } of group.replies)
      core.effects.push({ type: 'reply', requestId, ok: false, error });
    for (const { requestId } of group.answers)
      core.effects.push({ type: 'answer', requestId, ok: false, error });
    group.replies.length = 0;
    group.answers.length = 0;
  }
}
