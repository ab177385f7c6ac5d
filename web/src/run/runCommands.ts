import { refusals } from './runStatus.ts';
import { activeRun, type RunController, useRunStore } from './runStore.ts';

/** A run command for palette, menu and keyboard. `refusal` says why it cannot be used now; null when it can. */
export type RunCommand = {
  id: 'run.start' | 'run.startPaused' | 'run.pause' | 'run.resume' | 'run.step' | 'run.stop';
  refusal(): string | null;
  run(): void;
};

function runCommand(
  id: RunCommand['id'],
  needs: 'start' | 'pause' | 'resume' | 'step' | 'stop',
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

export const runCommands: readonly RunCommand[] = [
  runCommand('run.start', 'start', (runs) => runs.start({ paused: false })),
  runCommand('run.startPaused', 'start', (runs) => runs.start({ paused: true })),
  runCommand('run.pause', 'pause', (runs) => runs.pause()),
  runCommand('run.resume', 'resume', (runs) => runs.resume()),
  runCommand('run.step', 'step', (runs) => runs.step()),
  runCommand('run.stop', 'stop', (runs) => runs.stop()),
];
