import type { ActiveFault, FaultKind } from '@millrace/shared/faults/fault.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { hashText } from '@millrace/shared/util/random.ts';
import type { Lane, TopicRuntime } from '../consumer.ts';
import type { Core } from '../core.ts';
import { putState } from '../stateStore.ts';
import { emitTrace, type Place, rangeRecord, traceOf } from '../traces.ts';
import type { FaultRuntime } from './faultRuntime.ts';

/**
 * Faults that are on (SM2). They are performed by the core itself, at the few places where it hands out, takes back and
 * appends, so that a live run and a simulated one go wrong in the same way. A run without faults asks one question at each.
 */

export const FAULT_STORE = 'fault';

/** The faults of one kind that are on, or nothing. */
export function faultsOfKind(core: Core, kind: FaultKind): FaultRuntime[] {
  if (core.faults.size === 0) return NONE;
  return [...core.faults.values()].filter(({ spec }) => spec.kind === kind);
}

const NONE: FaultRuntime[] = [];

/** Whether a fault of a consumer is meant for this lane, as its owner handles it. */
export function meetsLane({ spec: { target } }: FaultRuntime, lane: Lane, instance = lane.owner): boolean {
  if (target.edgeId !== undefined && target.edgeId !== lane.subscription.edgeId) return false;
  if (target.nodeId !== undefined && target.nodeId !== lane.consumer.planned.node) return false;
  if (target.instance !== undefined && target.instance !== instance) return false;
  return target.partition === undefined || target.partition === lane.partition;
}

export function meetsTopic(
  { spec: { target } }: FaultRuntime,
  topic: TopicRuntime,
  partition: number,
): boolean {
  if (target.nodeId !== topic.planned.topic) return false;
  return target.partition === undefined || target.partition === partition;
}

/** Drawn anew for each attempt. */
export function strikes(core: Core, { spec }: FaultRuntime): boolean {
  return spec.rate >= 1 || core.faultRandom.next() < spec.rate;
}

/** The same for a message however often it is asked. */
export function strikesMessage({ id, spec }: FaultRuntime, message: Message): boolean {
  return spec.rate >= 1 || (hashText(`${id}\n${message.id}`) >>> 0) / 0x1_0000_0000 < spec.rate;
}

/** Notes that the fault has done something to a message: a fault that never fired has tested nothing. */
export function fired(
  core: Core,
  fault: FaultRuntime,
  nodeId: string,
  message: Message,
  place: Place,
  attempt = 0,
): void {
  countFired(core, fault, 1);
  const record = traceOf('fault-injected', core.nowMs, nodeId, message, place, attempt);
  record.detail = `${fault.spec.kind} (${fault.id})`;
  emitTrace(core, record);
}

/** The same for what no single message is meant by. */
export function firedAt(core: Core, fault: FaultRuntime, nodeId: string, place: Place, what: string): void {
  countFired(core, fault, 1);
  emitTrace(
    core,
    rangeRecord('fault-injected', core.nowMs, nodeId, place, `${fault.spec.kind} (${fault.id}): ${what}`),
  );
}

export function countFired(core: Core, fault: FaultRuntime, times: number): void {
  fault.fired += times;
  if (fault.dirty) return;
  fault.dirty = true;
  core.dirtyFaults.push(fault);
}

/** The open group carries how often faults have fired. */
export function storeFaults(core: Core): void {
  for (const fault of core.dirtyFaults) {
    fault.dirty = false;
    if (core.faults.has(fault.id)) putState(core, FAULT_STORE, fault.id, JSON.stringify(activeFault(fault)));
  }
  core.dirtyFaults.length = 0;
}

export function activeFault({ id, spec, startedMs, endsMs, fired: times }: FaultRuntime): ActiveFault {
  return { id, spec, startedMs, endsMs, fired: times };
}
