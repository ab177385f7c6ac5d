import type { ErrorData } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { LogLine, RunNotice } from '@millrace/shared/protocol/entities.ts';
import type { MetricsSnapshot, RunStatus } from '@millrace/shared/trace/metrics.ts';
import type { EngineAnswers, EngineCommand } from '../engine/io.ts';
import type { StartFrom } from '../engine/plan/plan.ts';
import type { ForkOrigin } from './fork.ts';
import type { Replaces } from './replacement.ts';

/** What travels between the server and the process of one run. Node's IPC with `serialization: 'advanced'`. */

export type RunBootstrap = {
  runId: string;
  document: FlowDocument;
  /** Folder of this run: log, traces, sink files. */
  folder: string;
  /** Folders searched for replay files, in order. */
  fileFolders: string[];
  paused: boolean;
  /** The process before this one died. */
  afterCrash: boolean;
  /** Set while the run changes over to this document from another (RN4). */
  replaces: Replaces | null;
  /** Set when the run begins with what another one has handled (RN5). */
  fork: ForkOrigin | null;
  /** Metrics and frames per second. */
  framesPerSecond: number;
};

/** Requests are answered once, by `requestId`. */
export type RunRequest =
  | { type: 'pause' }
  | { type: 'resume' }
  | { type: 'step' }
  | { type: 'stop' }
  | { type: 'ingest'; producer: string; messages: Message[] }
  | { type: 'metrics' }
  | { type: 'command'; command: EngineCommand }
  /** Rule CG3. Null: all topics of the group, all partitions. */
  | { type: 'seek'; node: string; topic: string | null; partition: number | null; to: StartFrom };

export type RunAnswers = {
  pause: null;
  resume: null;
  step: ResponseOf<'run.step'>;
  stop: null;
  ingest: { accepted: { id: string; topic: string; partition: number; offset: number }[]; dropped: number };
  metrics: MetricsSnapshot;
  /** Of the command that was sent. */
  command: EngineAnswers[EngineCommand['type']];
  seek: EngineAnswers['seek'];
};

export type ToRun =
  | { type: 'boot'; boot: RunBootstrap }
  | { type: 'request'; requestId: number; request: RunRequest }
  /** Back-pressure of the trace tail: frames are sent only while somebody watches. */
  | { type: 'watch'; traces: boolean }
  | { type: 'frame-credit'; frames: number }
  /** The server is going down in good order: finish what is under way and end, to be resumed later. */
  | { type: 'suspend' }
  /** Ends the run while it still copies what it is to begin with. */
  | { type: 'cancel-copy' };

export type FromRun =
  | { type: 'ready' }
  /** `switched`: the log belongs to the new version already, so that the old one cannot go on with it. */
  | { type: 'boot-failed'; error: ErrorData; switched: boolean }
  /** The log is open, and what the run begins with is being copied into it. */
  | { type: 'copying' }
  /**
   * Everything is on disk and the process ends. `idle`: nothing is under way, so that what is not answered was not begun
   * and can be asked of the next process.
   */
  | { type: 'suspended'; idle: boolean }
  | { type: 'answer'; requestId: number; ok: true; value: unknown }
  | { type: 'answer'; requestId: number; ok: false; error: ErrorData }
  | { type: 'status'; status: RunStatus; error: ErrorData | null }
  | { type: 'metrics'; metrics: MetricsSnapshot }
  /** An encoded TraceBatch (`shared/trace/frame.ts`); `firstSeq` and `count` repeat its header. */
  | { type: 'trace-frame'; firstSeq: number; count: number; frame: Uint8Array }
  /** `dropped` counts lines left out before these. */
  | { type: 'logs'; lines: LogLine[]; dropped: number }
  | { type: 'notice'; notice: RunNotice };
