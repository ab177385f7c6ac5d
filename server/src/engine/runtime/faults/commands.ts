import { type ActiveFault, FAULT_PLACES, type FaultSpec } from '@millrace/shared/faults/fault.ts';
import type { EngineError } from '../../io.ts';
import { answerWhenDurable, refuse } from '../answers.ts';
import type { ConsumerRuntime } from '../consumer.ts';
import type { Core } from '../core.ts';
import { enqueueLane } from '../laneQueue.ts';
import { fetchMore } from '../lanes.ts';
import { crashInstance, reviveInstance } from '../rebalance.ts';
import { putState } from '../stateStore.ts';
import { isOver } from '../status.ts';
import { readyStrand } from '../strands.ts';
import { NOWHERE } from '../traces.ts';
import { addWake } from '../wakes.ts';
import { activeFault, FAULT_STORE, firedAt } from './fault.ts';
import type { FaultRuntime } from './faultRuntime.ts';

/** Faults that are on at a time. */
const FAULTS_MAX = 64;

export function injectFault(core: Core, requestId: number, spec: FaultSpec): void {
  const error = refusalOf(core, spec);
  if (error !== null) return refuse(core, requestId, error);
  const fault: FaultRuntime = {
    id: unusedId(core),
    spec,
    startedMs: core.nowMs,
    endsMs: spec.durationMs === null ? null : core.nowMs + spec.durationMs,
    fired: 0,
    dirty: false,
  };
  beginFault(core, fault);
  putState(core, FAULT_STORE, fault.id, JSON.stringify(activeFault(fault)));
  answerWhenDurable(core, requestId, { faultId: fault.id });
}

/** Numbers begin anew after a restart; the ids of faults that are still on do not. */
function unusedId(core: Core): string {
  for (;;) {
    const id = `fault-${core.nextId++}`;
    if (!core.faults.has(id)) return id;
  }
}

/** After a restart, faults are on until they are healed. */
export function restoreFault(core: Core, saved: ActiveFault): void {
  beginFault(core, { ...saved, dirty: false });
}

function beginFault(core: Core, fault: FaultRuntime): void {
  core.faults.set(fault.id, fault);
  if (fault.endsMs !== null) addWake(core.wakes, fault.endsMs, { kind: 'fault', id: fault.id });
  if (fault.spec.kind !== 'crash') return;
  for (const { consumer, index } of struckInstances(core, fault)) {
    if (!consumer.group.instances[index]?.up) continue;
    firedAt(core, fault, consumer.planned.node, NOWHERE, `instance ${index} crashed`);
    crashInstance(core, consumer, index, 'crashed');
  }
}

/** One click heals all of them. */
export function healFaults(core: Core, requestId: number, faultId: string | null): void {
  const chosen = [...core.faults.values()].filter(({ id }) => faultId === null || id === faultId);
  if (faultId !== null && chosen.length === 0) {
    return refuse(core, requestId, { code: 'FAULT_NOT_FOUND', message: 'This fault is healed already.' });
  }
  for (const fault of chosen) endFault(core, fault);
  answerWhenDurable(core, requestId, { healed: chosen.length });
}

export function onFaultDue(core: Core, id: string): void {
  const fault = core.faults.get(id);
  if (fault && fault.endsMs !== null && fault.endsMs <= core.nowMs) endFault(core, fault);
}

function endFault(core: Core, fault: FaultRuntime): void {
  core.faults.delete(fault.id);
  putState(core, FAULT_STORE, fault.id, null);
  if (fault.spec.kind === 'crash') {
    for (const { consumer, index } of struckInstances(core, fault)) {
      // Another fault may keep it down.
      const stillDown = [...core.faults.values()].some(
        (other) => other.spec.kind === 'crash' && strikesInstance(other, consumer, index),
      );
      if (!stillDown) reviveInstance(core, consumer, index);
    }
  }
  lookAgain(core);
}

/** What was held up goes on. */
function lookAgain(core: Core): void {
  for (const { subscriptions } of core.consumers) {
    for (const { lanes } of subscriptions) {
      for (const lane of lanes) {
        for (const strand of lane.strands.values()) {
          if (strand.held) strand.retryAtMs = 0;
          strand.held = false;
          readyStrand(strand);
        }
        enqueueLane(lane);
        fetchMore(core, lane);
      }
    }
  }
}

function struckInstances(core: Core, fault: FaultRuntime): { consumer: ConsumerRuntime; index: number }[] {
  return core.consumers.flatMap((consumer) =>
    consumer.group.instances
      .filter(({ index }) => strikesInstance(fault, consumer, index))
      .map(({ index }) => ({ consumer, index })),
  );
}

function strikesInstance(
  { spec: { target } }: FaultRuntime,
  consumer: ConsumerRuntime,
  index: number,
): boolean {
  return (
    target.nodeId === consumer.planned.node && (target.instance === undefined || target.instance === index)
  );
}

function refusalOf(core: Core, spec: FaultSpec): EngineError | null {
  if (isOver(core))
    return { code: 'RUN_NOT_ACTIVE', message: 'The run is over; nothing can go wrong in it.' };
  if (core.faults.size >= FAULTS_MAX)
    return {
      code: 'FAULT_INVALID',
      message: `At most ${FAULTS_MAX} faults are on at a time: heal one first.`,
    };
  const message = misplaced(core, spec);
  return message === null ? null : { code: 'FAULT_INVALID', message };
}

/** Why the fault cannot be where it is to be, or null. */
function misplaced(
  core: Core,
  { kind, target: { nodeId, edgeId, instance, partition } }: FaultSpec,
): string | null {
  const place = FAULT_PLACES[kind];
  if (place === 'consumer') {
    const consumer = core.consumersById.get(nodeId ?? '');
    if (!consumer) return `“${kind}” is a fault of a consumer: choose one.`;
    const { instances } = consumer.group;
    if (instance !== undefined && instance >= instances.length)
      return `${consumer.planned.name} has ${instances.length} instances, numbered from 0.`;
    return partitionFault(partition, Math.max(...consumer.subscriptions.map(({ lanes }) => lanes.length), 0));
  }
  if (place === 'topic') {
    const topic = core.topics.get(nodeId ?? '');
    return topic
      ? partitionFault(partition, topic.ends.length)
      : `“${kind}” is a fault of a topic: choose one.`;
  }
  if (place === 'edge-to-topic') {
    const known = core.plan.publishEdges.some((edge) => edge.edgeId === edgeId);
    return known ? null : `“${kind}” is a fault of an edge that leads to a topic: choose one.`;
  }
  const reader = core.consumers
    .flatMap(({ subscriptions }) => subscriptions)
    .find((own) => own.edgeId === edgeId);
  return reader
    ? partitionFault(partition, reader.lanes.length)
    : `“${kind}” is a fault of an edge that leaves a topic: choose one.`;
}

function partitionFault(partition: number | undefined, partitions: number): string | null {
  return partition === undefined || partition < partitions
    ? null
    : `There is no partition ${partition}: they are numbered from 0 to ${partitions - 1}.`;
}
