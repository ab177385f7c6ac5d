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
  const faultPlan = [
    ...(share(dice, 0.75) ? driverFaults(dice) : []),
    ...(share(dice, 0.6) ? injectedFaults(dice, plan) : []),
  ];
  const commands = share(dice, 0.5) ? operatorCommands(dice, plan) : [];
  return { faultPlan, commands: [...commands, ...allClear(plan)], healedMs: HEALED_MS };
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
  const parked = plan.consumers.flatMap(({ deadLetterTopics }) => deadLetterTopics);
  for (let index = upTo(dice, 3); index > 0 && parked.length > 0; index--)
    ask(when() + 300, {
      type: 'redrive',
      parts: [{ topicId: oneOf(dice, parked), selection: {} }],
      dryRun: share(dice, 0.2),
    });
  return commands;
}

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
