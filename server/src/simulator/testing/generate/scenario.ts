import { createRandom } from '@millrace/shared/util/random.ts';
import { buildPlan } from '../../../engine/plan/plan.ts';
import type { VirtualCommand, VirtualRunOptions } from '../../virtualOptions.ts';
import { type Adversity, generateAdversity } from './adversity.ts';
import { type GeneratedFlow, generateFlow } from './flow.ts';
import { checkPayload } from './schema.ts';

/** A flow, its inputs, what goes wrong and what a person does, all drawn from one seed (SM2). */
export type Scenario = GeneratedFlow & Adversity & { seed: number };

export function generateScenario(seed: number): Scenario {
  const flow = generateFlow(`s${seed}`, createRandom(`flow:${seed}`));
  const adversity = generateAdversity(createRandom(`adversity:${seed}`), buildPlan(flow.document));
  const { pushes } = flow;
  const stop: VirtualCommand = { afterMs: adversity.healedMs + STOP_AFTER_MS, type: 'stop' };
  const commands = [...adversity.commands, ...pushes, ...(pushes.length > 0 ? [stop] : [])];
  return { ...flow, ...adversity, commands, seed };
}

/** Time enough for all that a run has left when everything is healed. */
const STOP_AFTER_MS = 300_000;

export function optionsOf({
  document,
  sources,
  handlers,
  faultPlan,
  commands,
  seed,
  attemptUsMax,
}: Scenario): VirtualRunOptions {
  return {
    document,
    sources,
    handlers,
    faultPlan,
    commands,
    seed,
    attemptUsMax,
    checkPayload,
    keep: 'counts',
  };
}
