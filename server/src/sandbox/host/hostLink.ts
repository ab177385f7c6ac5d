import type { ErrorData } from '@millrace/shared/errors/workbenchError.ts';
import type { SandboxModule } from '../sandbox.ts';

/**
 * What travels between a run's process and the process that holds its isolates: frames (see `frames.ts`) on a pipe of
 * their own. The input of a `call` and the output of what is `done` are the text of the frame.
 */

/** The pipe's number in the process of the isolates, after the three that every process has. */
export const PIPE_FD = 3;

/** Why a call into an isolate ended early. */
export type Stop = 'timed-out' | 'out-of-memory' | 'crashed';

/**
 * Every request is answered once by its `requestId`, unless the process dies first. Calls into one isolate may be under
 * way together: they are begun one after the other, in the order in which they were asked for.
 */
export type ToHost =
  | { type: 'open'; requestId: number; isolateId: number; module: SandboxModule }
  | { type: 'call'; requestId: number; isolateId: number }
  /** What the last call has finished, after it was stopped. */
  | { type: 'collect'; requestId: number; isolateId: number }
  | { type: 'dispose'; isolateId: number };

export type FromHost =
  | { type: 'opened'; requestId: number }
  | { type: 'refused'; requestId: number; error: ErrorData }
  | { type: 'done'; requestId: number; warning: string | null; elapsedUs: number }
  | { type: 'stopped'; requestId: number; stop: Stop; message: string; elapsedUs: number }
  /** The call before it was stopped, and the isolate with it: nothing of this one was begun. */
  | { type: 'unbegun'; requestId: number }
  /** This process is about to end because of that isolate; null: of one of those that run. */
  | { type: 'doomed'; isolateId: number | null; stop: Stop; message: string };
