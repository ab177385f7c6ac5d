import { stripTypeScriptTypes } from 'node:module';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

/** The name under which a person's code appears in stacks and messages. */
export const HANDLER_FILE = 'handler.ts';

const EXCERPT_LINES_AROUND = 1;

/** Blanks out the types, so that every line and column stays what it was. Throws HANDLER_COMPILE_FAILED. */
export function stripTypes(code: string, lineOffset = 0): string {
  try {
    return quietly(() => stripTypeScriptTypes(code, { mode: 'strip' }));
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw compileError({ code, lineOffset }, reason, placeOf(code, lineOffset, thrown));
  }
}

export type Place = { line: number; column: number };

/** The text a person wrote is `code` from line `lineOffset` on; places count from its first line. */
export type PersonsText = { code: string; lineOffset?: number };

export function compileError(text: PersonsText, reason: string, place: Place | null): WorkbenchError {
  const sentence = reason.replace(/\s*\.?\s*$/, '');
  if (place === null) return new WorkbenchError('HANDLER_COMPILE_FAILED', `${sentence}.`);
  return new WorkbenchError(
    'HANDLER_COMPILE_FAILED',
    `${sentence} (${HANDLER_FILE}:${place.line}:${place.column}).`,
    { details: { ...place, excerpt: excerptOf(text, place) } },
  );
}

/** The line with its neighbours and a caret under the column. */
function excerptOf({ code, lineOffset = 0 }: PersonsText, { line, column }: Place): string {
  const lines = code.split('\n').slice(lineOffset);
  const shown: string[] = [];
  for (let number = line - EXCERPT_LINES_AROUND; number <= line + EXCERPT_LINES_AROUND; number++) {
    const text = lines[number - 1];
    if (text === undefined) continue;
    shown.push(`${String(number).padStart(4)} | ${text}`);
    if (number === line) shown.push(`     | ${' '.repeat(Math.max(0, column - 1))}^`);
  }
  return shown.join('\n');
}

/**
 * Node puts `:<line>`, the source line and a line of carets before the stack; there is no other way to the position.
 * Without carets (something is missing at the end of the text) the place is the end of the code.
 */
function placeOf(code: string, lineOffset: number, thrown: unknown): Place | null {
  if (!(thrown instanceof Error) || typeof thrown.stack !== 'string') return null;
  const lines = thrown.stack.split('\n');
  const line = /^\S*:(\d+)$/.exec(lines[0] ?? '')?.[1];
  if (line === undefined) return null;
  const carets = lines.slice(0, 12).find((text) => /^\s*\^+\s*$/.test(text));
  if (carets !== undefined) return { line: Number(line) - lineOffset, column: carets.indexOf('^') + 1 };
  const ends = code.trimEnd().split('\n');
  return { line: ends.length - lineOffset, column: (ends.at(-1) ?? '').length + 1 };
}

/**
 * The function is stable in all but name, and its warning about that would land in every terminal. It is emitted
 * synchronously at the first call, so for that moment warnings of this one kind are held back.
 */
function quietly<Result>(strip: () => Result): Result {
  const emitWarning = process.emitWarning;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] === 'ExperimentalWarning') return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof process.emitWarning;
  try {
    return strip();
  } finally {
    process.emitWarning = emitWarning;
  }
}
