import type { VirtualRunOptions, VirtualRunResult } from '../../virtualOptions.ts';
import { runVirtual } from '../../virtualRun.ts';
import { createTestimony } from '../../witness.ts';
import { violationsIn } from '../checkers/all.ts';
import type { Violation } from '../checkers/evidence.ts';
import { generateScenario, optionsOf, type Scenario } from './scenario.ts';

export type Played = { scenario: Scenario; run: VirtualRunResult; violations: Violation[] };

/** Plays the scenario of one seed and judges it. `changes` are for drills and for a second look. */
export function playSeed(seed: number, changes: Partial<VirtualRunOptions> = {}): Played {
  const scenario = generateScenario(seed);
  const testimony = createTestimony();
  // A run that has not ended long after everything was healed never will.
  const untilMs = scenario.healedMs + LONGEST_MS;
  const run = runVirtual({ ...optionsOf(scenario), untilMs, witness: testimony.witness, ...changes });
  return { scenario, run, violations: violationsIn({ scenario, run, testimony }) };
}

const LONGEST_MS = 3_600_000;
