import type { Checker, Evidence, Violation } from './evidence.ts';
import { checkFates } from './fates.ts';
import { checkCounts, checkProduction, checkProgress } from './log.ts';
import { checkFencing, checkHandling } from './order.ts';
import { checkOutputs } from './outputs.ts';
import { checkRedriven } from './redrives.ts';

const CHECKERS: Checker[] = [
  checkProgress,
  checkProduction,
  checkFates,
  checkOutputs,
  checkRedriven,
  checkHandling,
  checkFencing,
  checkCounts,
];

/** Rule SM3: every broken rule that the evidence shows; none is a pass. */
export function violationsIn(evidence: Evidence): Violation[] {
  return CHECKERS.flatMap((checker) => checker(evidence));
}
