import { buildPlan } from '../../../engine/plan/plan.ts';
import type { VirtualRunOptions, VirtualRunResult } from '../../virtualOptions.ts';
import { runVirtual } from '../../virtualRun.ts';
import { createTestimony } from '../../witness.ts';
import { violationsIn } from '../checkers/all.ts';
import type { Violation } from '../checkers/evidence.ts';
import { generateScenario, optionsOf, type Scenario } from './scenario.ts';

export type Played = { scenario: Scenario; run: VirtualRunResult; violations: Violation[] };

/** What is played otherwise than the scenario says. Checkers are not told: they go by the scenario. */
export type Changes = (scenario: Scenario) => Partial<VirtualRunOptions>;

/** Plays the scenario of one seed and judges it. `changes` are for drills and for a second look. */
export function playSeed(seed: number, changes: Changes = () => ({})): Played {
  const scenario = generateScenario(seed);
  const testimony = createTestimony();
  // A run that has not ended long after everything was healed never will.
  const untilMs = scenario.healedMs + LONGEST_MS;
  const options = { ...optionsOf(scenario), untilMs, witness: testimony.witness };
  const run = runVirtual({ ...options, ...changes(scenario) });
  const seen = { ...run, plan: buildPlan(scenario.document) };
  return { scenario, run, violations: violationsIn({ scenario, run: seen, testimony }) };
}

const LONGEST_MS = 3_600_000;
