import { refusals } from './runStatus.ts';
import { activeRun, useRunStore } from './runStore.ts';

/** A run command as palette, menu and keyboard need it. `refusal` says why it cannot be used now; null when it can. */
export type RunCommand = {
  id: string;
  label: string;
  /** In the notation of Mantine's hotkeys: `mod` is Ctrl, on a Mac the command key. */
  shortcut: string;
  refusal(): string | null;
  run(): void;
};

const current = () => {
  const state = useRunStore.getState();
  const active = activeRun(state.runs);
  return { state, active, refused: refusals(active, state.gate, state.pending) };
};

export const RUN_SHORTCUTS = {
  start: 'mod+Enter',
  startPaused: 'mod+shift+Enter',
  pause: 'F8',
  step: 'F10',
  stop: 'mod+.',
} as const;

export const runCommands: readonly RunCommand[] = [
  {
    id: 'run.start',
    label: 'Run',
    shortcut: RUN_SHORTCUTS.start,
    refusal: () => current().refused.start,
    run: () => void current().state.controller?.start({ paused: false }),
  },
  {
    id: 'run.startPaused',
    label: 'Run, paused at the first message',
    shortcut: RUN_SHORTCUTS.startPaused,
    refusal: () => current().refused.start,
    run: () => void current().state.controller?.start({ paused: true }),
  },
  {
    id: 'run.pauseOrResume',
    label: 'Pause or resume the run',
    shortcut: RUN_SHORTCUTS.pause,
    refusal: () => {
      const { active, refused } = current();
      return active?.status === 'paused' ? refused.resume : refused.pause;
    },
    run: () => {
      const { active, state } = current();
      void (active?.status === 'paused' ? state.controller?.resume() : state.controller?.pause());
    },
  },
  {
    id: 'run.step',
    label: 'Step: handle one message',
    shortcut: RUN_SHORTCUTS.step,
    refusal: () => current().refused.step,
    run: () => void current().state.controller?.step(),
  },
  {
    id: 'run.stop',
    label: 'Stop the run',
    shortcut: RUN_SHORTCUTS.stop,
    refusal: () => current().refused.stop,
    run: () => void current().state.controller?.stop(),
  },
];
