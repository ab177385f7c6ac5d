import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { RunNotice } from '@millrace/shared/protocol/entities.ts';
import type { WatchHost } from '../live/watch.tsx';

/** What the runs of a flow ask of the page around them. */
export type RunHost = WatchHost & {
  /** Resolves when the server has every edit of the draft, so that a run publishes what is on the screen. */
  beforeRun(): Promise<void>;
  toast(level: RunNotice['level'], title: string, message: string): void;
  /** What is on the canvas now. */
  draft(): FlowDocument;
};
