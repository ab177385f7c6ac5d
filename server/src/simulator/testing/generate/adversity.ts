import { FAULT_KINDS, FAULT_PLACES, type FaultKind, type FaultSpec } from '@millrace/shared/faults/fault.ts';
import type { EngineCommand } from '../../../engine/io.ts';
import type { ExecutionPlan } from '../../../engine/plan/plan.ts';
import type { FaultPlan, PlannedFault } from '../../faultPlan.ts';
import type { VirtualCommand } from '../../virtualOptions.ts';
import { type Dice, oneOf, share, upTo } from './dice.ts';

/** What goes wrong, and what a person does meanwhile, until `healedMs`; from then on nothing more happens to the run. */
export type Adversity = { faultPlan: FaultPlan; commands: VirtualCommand[]; healedMs: number };

/** Everything begins within this time after the start, where most generated runs still have work. */
const BEGIN_WITHIN_MS = 1500;
const LASTS_MS_MAX = 2000;
const HEALED_MS = BEGIN_WITHIN_MS + LASTS_MS_MAX + 1;

export function generateAdversity(dice: Dice, plan: ExecutionPlan): Adversity {
  const sentBack = share(dice, 0.5) ? redrives(dice, plan) : { commands: [], crashes: [] };
  const faultPlan = [
    ...(share(dice, 0.75) ? driverFaults(dice) : []),
    ...(share(dice, 0.6) ? injectedFaults(dice, plan) : []),
    ...(share(dice, 0.5) ? instanceCrashes(dice, plan) : []),
    ...sentBack.crashes,
  ];
  const commands = share(dice, 0.5) ? operatorCommands(dice, plan) : [];
  return {
    faultPlan,
    commands: [...commands, ...sentBack.commands, ...allClear(plan)],
    healedMs: HEALED_MS,
  };
}

function span(dice: Dice): { fromMs: number; toMs: number } {
  const fromMs = upTo(dice, share(dice, 0.5) ? 60 : BEGIN_WITHIN_MS);
  return { fromMs, toMs: fromMs + 1 + upTo(dice, LASTS_MS_MAX) };
}

function driverFaults(dice: Dice): FaultPlan {
  const faults: FaultPlan = [];
  const crashes = share(dice, 0.7) ? 1 + upTo(dice, 6) : 0;
  for (let index = 0; index < crashes; index++) faults.push({ kind: 'process-crash', ...span(dice) });
  if (share(dice, 0.4))
    faults.push({ kind: 'writes-refused', share: 0.1 + dice.next() * 0.9, ...span(dice) });
  if (share(dice, 0.3)) faults.push({ kind: 'slow-storage', delayMs: 1 + upTo(dice, 100), ...span(dice) });
  if (share(dice, 0.3)) faults.push({ kind: 'clock-skew', skewMs: upTo(dice, 10_000) - 5000, ...span(dice) });
  return faults;
}

function injectedFaults(dice: Dice, plan: ExecutionPlan): FaultPlan {
  const faults: PlannedFault[] = [];
  for (let index = 1 + upTo(dice, 3); index > 0; index--) {
    const target = targetFor(dice, plan, oneOf(dice, FAULT_KINDS));
    if (target === null) continue;
    const { fromMs, toMs } = span(dice);
    const durationMs = share(dice, 0.5) ? toMs - fromMs : null;
    faults.push({ kind: 'injected', fromMs, toMs, spec: { ...target, durationMs } });
  }
  return faults;
}

/** Instances of one group die one after the other, and come back soon: now and then while one has something in hand. */
function instanceCrashes(dice: Dice, plan: ExecutionPlan): FaultPlan {
  const shared = plan.consumers.filter(
    ({ instances, kind, guarantee }) => instances > 1 && kind === 'handler' && guarantee !== 'at-most-once',
  );
  const { node, instances } = oneOf(dice, shared.length > 0 ? shared : plan.consumers);
  return Array.from({ length: 1 + upTo(dice, INSTANCE_CRASHES_MAX) }, (): PlannedFault => {
    const { fromMs } = span(dice);
    const durationMs = 1 + upTo(dice, share(dice, 0.5) ? 10 : 200);
    const target = { nodeId: node, instance: upTo(dice, instances) };
    const spec: FaultSpec = { kind: 'crash', target, rate: 1, delayMs: 0, durationMs };
    return { kind: 'injected', fromMs, toMs: fromMs + durationMs, spec };
  });
}

const INSTANCE_CRASHES_MAX = 16;

function targetFor(dice: Dice, plan: ExecutionPlan, kind: FaultKind): Omit<FaultSpec, 'durationMs'> | null {
  const rate = kind === 'fail' ? 0.5 * dice.next() : 0.2 + 0.8 * dice.next();
  const common = { kind, rate, delayMs: kind === 'slow' ? 1 + upTo(dice, 20) : 1 + upTo(dice, 300) };
  const place = FAULT_PLACES[kind];
  if (place === 'consumer') {
    const { node, instances } = oneOf(dice, plan.consumers);
    const target = { nodeId: node, ...(share(dice, 0.6) ? { instance: upTo(dice, instances) } : {}) };
    return { ...common, target };
  }
  if (place === 'topic') {
    const drawn = plan.topics.filter(({ automaticFor }) => automaticFor === null);
    return { ...common, target: { nodeId: oneOf(dice, drawn).topic } };
  }
  const edges: { edgeId: string }[] =
    place === 'edge-to-topic'
      ? plan.publishEdges
      : plan.consumers.flatMap(({ subscriptions }) => subscriptions);
  return edges.length === 0 ? null : { ...common, target: { edgeId: oneOf(dice, edges).edgeId } };
}

function operatorCommands(dice: Dice, plan: ExecutionPlan): VirtualCommand[] {
  const commands: VirtualCommand[] = [];
  const when = (): number => upTo(dice, BEGIN_WITHIN_MS + LASTS_MS_MAX - 500);
  const ask = (afterMs: number, command: EngineCommand): void =>
    void commands.push({ afterMs, type: 'command', command });
  for (let index = upTo(dice, 3); index > 0; index--) {
    const afterMs = when();
    commands.push({ afterMs, type: 'pause' }, { afterMs: afterMs + 1, type: 'step' });
    commands.push({ afterMs: afterMs + upTo(dice, 400), type: 'resume' });
  }
  for (let index = upTo(dice, 3); index > 0; index--)
    ask(when(), {
      type: 'scale-group',
      node: oneOf(dice, plan.consumers).node,
      instances: 1 + upTo(dice, 5),
    });
  if (share(dice, 0.3)) commands.push(...seek(dice, plan, when()));
  return commands;
}

/**
 * Dead letters are sent back, while there may be some. Jobs are short: what is to cut one off, or to find it cut off, is
 * asked within the few milliseconds it takes. Ids of jobs are known beforehand, because they are numbered.
 */
function redrives(dice: Dice, plan: ExecutionPlan): { commands: VirtualCommand[]; crashes: FaultPlan } {
  const commands: VirtualCommand[] = [];
  const crashes: FaultPlan = [];
  const parked = [...plan.consumers, ...plan.topics].flatMap(({ deadLetterTopics }) => deadLetterTopics);
  if (parked.length === 0) return { commands, crashes };
  let jobs = 0;
  for (let index = 1 + upTo(dice, REDRIVES_MAX); index > 0; index--) {
    const afterMs = REDRIVE_AFTER_MS + upTo(dice, HEALED_MS - 2 * REDRIVE_AFTER_MS);
    const parts = [{ topicId: oneOf(dice, parked), selection: {} }];
    const other = oneOf(dice, parked);
    // One job for several topics.
    if (share(dice, 0.3) && other !== parts[0]?.topicId) parts.push({ topicId: other, selection: {} });
    const dryRun = share(dice, 0.15);
    commands.push({ afterMs, type: 'command', command: { type: 'redrive', parts, dryRun } });
    if (!dryRun) jobs++;
    const soonMs = afterMs + upTo(dice, 12);
    if (share(dice, 0.4)) {
      const redriveId = `redrive:${1 + upTo(dice, jobs + 1)}`;
      commands.push({ afterMs: soonMs, type: 'command', command: { type: 'cancel-redrive', redriveId } });
      const againMs = soonMs + upTo(dice, 100);
      commands.push({ afterMs: againMs, type: 'command', command: { type: 'resume-redrive', redriveId } });
    }
    if (share(dice, 0.25)) continue;
    // Storage is slow meanwhile, so that what is sent back is still on its way to the disk when the process dies.
    const crashMs = afterMs + 1 + upTo(dice, 3 * REDRIVE_WRITE_MS);
    crashes.push({ kind: 'slow-storage', delayMs: REDRIVE_WRITE_MS, fromMs: afterMs, toMs: crashMs });
    crashes.push({ kind: 'process-crash', fromMs: crashMs, toMs: crashMs + 1 });
  }
  return { commands, crashes };
}

const REDRIVES_MAX = 6;
const REDRIVE_AFTER_MS = 300;
const REDRIVE_WRITE_MS = 10;

function seek(dice: Dice, plan: ExecutionPlan, afterMs: number): VirtualCommand[] {
  const { node, subscriptions } = oneOf(dice, plan.consumers);
  const { topic } = oneOf(dice, subscriptions);
  const partitions = plan.topics.find((planned) => planned.topic === topic)?.partitions ?? 1;
  const positions = [{ topic, partition: upTo(dice, partitions), offset: 0 }];
  const commands: EngineCommand[] = [
    { type: 'pause-group', node },
    { type: 'seek', node, positions },
    { type: 'resume-group', node },
  ];
  return commands.map((command, index) => ({ afterMs: afterMs + index * 200, type: 'command', command }));
}

/** At the end of it everything that a person may have left standing goes on. */
function allClear(plan: ExecutionPlan): VirtualCommand[] {
  const asked: EngineCommand[] = [
    { type: 'heal-fault', faultId: null },
    ...plan.consumers.map(({ node }) => ({ type: 'resume-group' as const, node })),
  ];
  return [
    { afterMs: HEALED_MS, type: 'resume' },
    ...asked.map((command): VirtualCommand => ({ afterMs: HEALED_MS, type: 'command', command })),
  ];
}
