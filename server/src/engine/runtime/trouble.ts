import type { EngineError } from '../io.ts';
import { TROUBLE_SHOWN_MS } from './limits.ts';

/** The last error of a node, and whether anything has gone well since. */
export type Trouble = { error: EngineError; atMs: number; isMended: boolean };
export type Troubled = { trouble: Trouble | null };

export function noteTrouble(node: Troubled, error: EngineError, nowMs: number): void {
  node.trouble = { error, atMs: nowMs, isMended: false };
}

/** What the node did last went well. */
export function noteSuccess({ trouble }: Troubled): void {
  if (trouble !== null) trouble.isMended = true;
}

/** Some messages fail and others do not: the node is well again once it has been for a while, else it would flicker. */
export function isInTrouble({ trouble }: Troubled, nowMs: number): boolean {
  return trouble !== null && (!trouble.isMended || nowMs - trouble.atMs < TROUBLE_SHOWN_MS);
}
