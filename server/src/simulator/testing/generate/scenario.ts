import { createRandom } from '@millrace/shared/util/random.ts';
import { buildPlan } from '../../../engine/plan/plan.ts';
import type { VirtualRunOptions } from '../../virtualOptions.ts';
import { type Adversity, generateAdversity } from './adversity.ts';
import { type GeneratedFlow, generateFlow } from './flow.ts';

/** A flow, its inputs, what goes wrong and what a person does, all drawn from one seed (SM2). */
export type Scenario = GeneratedFlow & Adversity & { seed: number };

export function generateScenario(seed: number): Scenario {
  const flow = generateFlow(`s${seed}`, createRandom(`flow:${seed}`));
  const adversity = generateAdversity(createRandom(`adversity:${seed}`), buildPlan(flow.document));
  return { ...flow, ...adversity, seed };
}

export function optionsOf({
  document,
  sources,
  handlers,
  faultPlan,
  commands,
  seed,
  attemptUsMax,
}: Scenario): VirtualRunOptions {
  return { document, sources, handlers, faultPlan, commands, seed, attemptUsMax, keep: 'counts' };
}
