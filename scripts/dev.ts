import { spawn } from 'node:child_process';
import { tools } from './runProcess.ts';
import { projectRoot } from './sourceFiles.ts';

/** The server restarting on change beside Vite's page. Arguments go to the server; either one's end ends both. */
const start = (args: readonly string[]) => {
  const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: ['ignore', 'inherit', 'inherit'] });
  child.on('exit', (code) => {
    process.exitCode ??= code ?? 0;
    stopAll();
  });
  return child;
};

const children = [
  start(['--watch', '--no-node-snapshot', 'server/src/cli/millrace.ts', 'serve', ...process.argv.slice(2)]),
  start([tools.vite]),
];

function stopAll(): void {
  for (const child of children) if (child.exitCode === null) child.kill('SIGTERM');
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stopAll);
