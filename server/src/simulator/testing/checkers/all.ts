import type { Checker, Evidence, Violation } from './evidence.ts';
import { checkFates } from './fates.ts';
import { checkCounts, checkProgress } from './log.ts';
import { checkFencing, checkHandling } from './order.ts';
import { checkOutputs } from './outputs.ts';
import { checkPassing } from './passing.ts';
import { checkProduction } from './production.ts';
import { checkPushed } from './pushed.ts';
import { checkRedriven } from './redrives.ts';
import { checkSchemas } from './schemas.ts';

const CHECKERS: Checker[] = [
  checkProgress,
  checkProduction,
  checkPushed,
  checkSchemas,
  checkFates,
  checkPassing,
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
