import type { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import { create } from 'zustand';
import { isActive, type LiveRun } from '../live/liveRun.ts';
import type { MessageRef } from '../live/watch.tsx';

export type RunAction = 'start' | 'pause' | 'resume' | 'step' | 'stop' | 'delete' | 'fork';
export type StepResult = { nodeId: string | null; messageId: string | null; correlationId: string | null };

/** Whether the drawing can run; the page around the run controls knows the problems. */
export type RunGate = { runnable: boolean; reason: string | null };

/** What a person can do with runs, for buttons, commands and shortcuts alike. None of it throws: failures are told. */
export interface RunController {
  start(options: { paused: boolean }): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  step(): Promise<void>;
  stop(): Promise<void>;
  remove(runId: string): Promise<void>;
  /** Rule RN4: shows what the drawing would change in the active run. */
  openReplacement(): Promise<void>;
  closeReplacement(): void;
  /** Applies what the dialog shows. */
  applyReplacement(): Promise<void>;
  /** Rule RN5: handles again, in a new run, what the shown run's topic holds from there on. */
  fork(from: MessageRef): Promise<void>;
  /** Leaves in the list the runs that fit; an empty text leaves all. */
  search(text: string): Promise<void>;
  pick(runId: string | null): void;
  markNoticesSeen(): void;
  reload(): Promise<void>;
  close(): void;
}

/** Lives as long as a flow is open: its runs, the one that is watched, what was asked of it. */
export type RunState = {
  flowId: string | null;
  /** Newest first. */
  runs: readonly RunSummary[];
  /** Ids of those that fit what is searched for; null: nothing is. */
  found: readonly string[] | null;
  listOpened: boolean;
  loading: boolean;
  /** The run a person chose from the list; null follows the active, then the newest run. */
  pickedRunId: string | null;
  live: LiveRun | null;
  problem: WorkbenchError | null;
  pending: RunAction | null;
  lastStep: StepResult | null;
  /** Notices up to this number were seen in the list. */
  noticesSeen: number;
  gate: RunGate;
  controller: RunController | null;
};

const EMPTY: Omit<RunState, 'gate' | 'controller'> = {
  flowId: null,
  runs: [],
  found: null,
  listOpened: false,
  loading: true,
  pickedRunId: null,
  live: null,
  problem: null,
  pending: null,
  lastStep: null,
  noticesSeen: 0,
};

export const useRunStore = create<RunState>(() => ({
  ...EMPTY,
  gate: { runnable: true, reason: null },
  controller: null,
}));

export function resetRunStore(flowId: string | null): void {
  useRunStore.setState({ ...EMPTY, flowId });
}

/** The run that a flow is busy with; at most one. */
export function activeRun(runs: readonly RunSummary[]): RunSummary | null {
  return runs.find((run) => isActive(run.status)) ?? null;
}

/** Which run the page shows: the picked one while it exists, else the active, else the newest. */
export function shownRunId(state: Pick<RunState, 'runs' | 'pickedRunId'>): string | null {
  const picked = state.runs.find((run) => run.id === state.pickedRunId);
  return (picked ?? activeRun(state.runs) ?? state.runs[0])?.id ?? null;
}

/** The list with this run in it, newest first. */
export function withRun(runs: readonly RunSummary[], run: RunSummary): RunSummary[] {
  const others = runs.filter((other) => other.id !== run.id);
  return [...others, run].sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? 1 : -1));
}
