import type { ErrorData } from '@millrace/shared/errors/workbenchError.ts';
import type { SandboxModule } from '../sandbox.ts';

/** What travels between a run's process and the process that holds its isolates. Node's IPC, serialization 'advanced'. */

/** Why a call into an isolate ended early. */
export type Stop = 'timed-out' | 'out-of-memory' | 'crashed';

/** Every request is answered once by its `requestId`, unless the process dies first. */
export type ToHost =
  | { type: 'open'; requestId: number; isolateId: number; module: SandboxModule }
  | { type: 'call'; requestId: number; isolateId: number; input: string }
  /** What the last call has finished, after it was stopped. */
  | { type: 'collect'; requestId: number; isolateId: number }
  | { type: 'dispose'; isolateId: number };

export type FromHost =
  | { type: 'opened'; requestId: number }
  | { type: 'refused'; requestId: number; error: ErrorData }
  | { type: 'done'; requestId: number; output: string; warning: string | null; elapsedUs: number }
  | { type: 'stopped'; requestId: number; stop: Stop; message: string; elapsedUs: number }
  /** This process is about to end because of that isolate; null: of one of those that run. */
  | { type: 'doomed'; isolateId: number | null; stop: Stop; message: string };
