import type { Command, CommandContext, RunAction } from './command.ts';

const runCommand = (id: string, label: string, action: RunAction, shortcuts: readonly string[]): Command => ({
  id,
  label,
  group: 'Run',
  shortcuts,
  history: 'none',
  canRun: ({ runs }) => runs.can(action),
  run: ({ runs }: CommandContext) => runs.perform(action),
});

export const runCommands: readonly Command[] = [
  runCommand('run-start', 'Run the flow', 'start', ['mod+Enter']),
  runCommand('run-start-paused', 'Start paused, to step through', 'startPaused', ['mod+shift+Enter']),
  runCommand('run-pause', 'Pause the run', 'pause', ['F8']),
  runCommand('run-resume', 'Resume the run', 'resume', ['F8']),
  runCommand('run-step', 'Step: handle one message', 'step', ['F10']),
  runCommand('run-stop', 'Stop the run', 'stop', ['shift+F5']),
  runCommand('run-apply', 'Apply the changes to the run…', 'apply', ['mod+Enter']),
  runCommand('run-list', 'Show the runs: search, compare, look again', 'list', []),
];

export const flowCommands: readonly Command[] = [
  {
    id: 'export',
    label: 'Export…',
    group: 'Flow',
    keywords: ['save', 'json', 'yaml', 'mermaid', 'markdown', 'svg', 'png', 'picture', 'download'],
    shortcuts: ['mod+E'],
    history: 'none',
    canRun: () => true,
    run: ({ page }) => page.openExport(),
  },
  {
    id: 'import',
    label: 'Import…',
    group: 'Flow',
    keywords: ['open', 'load', 'json', 'yaml'],
    shortcuts: ['mod+O'],
    history: 'none',
    canRun: () => true,
    run: ({ page }) => page.openImport(),
  },
  {
    id: 'new-flow',
    label: 'New flow',
    group: 'Flow',
    history: 'none',
    canRun: () => true,
    run: ({ page }) => page.newFlow(),
  },
  {
    id: 'open-start',
    label: 'Open the start screen',
    group: 'Flow',
    keywords: ['home', 'flows', 'samples'],
    history: 'none',
    canRun: () => true,
    run: ({ page }) => page.openStart(),
  },
];
