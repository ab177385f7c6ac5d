import type { EngineError } from '../engine/io.ts';
import type { FailureCode } from './isolate/wire.ts';
import { HANDLER_FILE } from './typeStripping.ts';

const MESSAGE_CHARS_MAX = 4000;
const FRAMES_MAX = 10;

/** An error of a person's code: where in their source it happened, and only their frames (HD3). */
export function userError(code: FailureCode, message: string, stack: string): EngineError {
  const frames = userFrames(stack);
  const place = frames[0] === undefined ? null : placeOfFrame(frames[0]);
  const text = message.length > MESSAGE_CHARS_MAX ? `${message.slice(0, MESSAGE_CHARS_MAX)}…` : message;
  return {
    code,
    message: place ? `${text} (${HANDLER_FILE}:${place.line}:${place.column})` : text,
    ...(frames.length > 0 ? { stack: [text, ...frames.map((frame) => `    ${frame}`)].join('\n') } : {}),
  };
}

/** The frames of a stack that lie in the person's code, innermost first. */
export function userFrames(stack: string): string[] {
  return stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at ') && placeOfFrame(line) !== null)
    .map((line) => line.replace(/^at (async )?(?:Module|Object)\./, 'at $1'))
    .slice(0, FRAMES_MAX);
}

export function placeOfFrame(frame: string): { line: number; column: number } | null {
  const match = FRAME_PLACE.exec(frame);
  return match ? { line: Number(match[1]), column: Number(match[2]) } : null;
}

const FRAME_PLACE = new RegExp(`(?:^at |\\(|, )${HANDLER_FILE.replace('.', '\\.')}:(\\d+):(\\d+)\\)?$`);
