import { useReplacement } from './replacement.ts';
import { refusals } from './runStatus.ts';
import { activeRun, type RunController, useRunStore } from './runStore.ts';

/** A run command for palette, menu and keyboard. `refusal` says why it cannot be used now; null when it can. */
export type RunCommand = {
  id:
    | 'run.start'
    | 'run.startPaused'
    | 'run.pause'
    | 'run.resume'
    | 'run.step'
    | 'run.stop'
    | 'run.apply'
    | 'run.list';
  refusal(): string | null;
  run(): void;
};

function runCommand(
  id: RunCommand['id'],
  needs: 'start' | 'pause' | 'resume' | 'step' | 'stop' | 'apply',
  perform: (controller: RunController) => Promise<void>,
): RunCommand {
  return {
    id,
    refusal: () => {
      const { runs, gate, pending } = useRunStore.getState();
      return refusals(activeRun(runs), gate, pending)[needs];
    },
    run: () => {
      const { controller } = useRunStore.getState();
      if (controller) void perform(controller);
    },
  };
}

const applyChanges = runCommand('run.apply', 'apply', (runs) => runs.openReplacement());

export const runCommands: readonly RunCommand[] = [
  runCommand('run.start', 'start', (runs) => runs.start({ paused: false })),
  runCommand('run.startPaused', 'start', (runs) => runs.start({ paused: true })),
  runCommand('run.pause', 'pause', (runs) => runs.pause()),
  runCommand('run.resume', 'resume', (runs) => runs.resume()),
  runCommand('run.step', 'step', (runs) => runs.step()),
  runCommand('run.stop', 'stop', (runs) => runs.stop()),
  {
    ...applyChanges,
    refusal: () =>
      applyChanges.refusal() ??
      (useReplacement.getState().pendingChanges === 0 ? 'The drawing says what runs already.' : null),
  },
  { id: 'run.list', refusal: () => null, run: () => useRunStore.setState({ listOpened: true }) },
];
