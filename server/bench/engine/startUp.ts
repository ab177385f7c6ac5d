import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createSupervisor } from '../../src/live/supervisor.ts';
import { threeStages } from '../flows.ts';
import { inFolder } from '../folders.ts';

const CLI = fileURLToPath(new URL('../../src/cli/millrace.ts', import.meta.url));
const READY = /https?:\/\/127\.0\.0\.1:\d+/;

/** Seconds from starting the program with an empty data folder to its saying where it listens. */
export function measureServerStart(): Promise<number> {
  return inFolder(
    (folder) =>
      new Promise((resolve, reject) => {
        const startedAt = performance.now();
        const child = spawn(process.execPath, ['--no-node-snapshot', CLI, 'serve'], {
          env: { ...process.env, MILLRACE_HOST: '127.0.0.1', MILLRACE_PORT: '0', MILLRACE_DATA: folder },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let seconds: number | null = null;
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          if (seconds !== null || !READY.test(output)) return;
          seconds = (performance.now() - startedAt) / 1000;
          child.kill('SIGTERM');
        });
        child.once('exit', () =>
          seconds === null ? reject(new Error('the server did not start')) : resolve(seconds),
        );
      }),
  );
}

/** Seconds from asking for a run with two handlers to its process being ready. */
export function measureRunStart(): Promise<number> {
  return inFolder(async (folder) => {
    const ignore = (): void => {};
    const supervisor = createSupervisor({
      runsFolder: folder,
      fileFolders: [],
      events: {
        status: ignore,
        metrics: ignore,
        traceFrame: ignore,
        logs: ignore,
        notice: ignore,
        restarted: ignore,
      },
    });
    const document = threeStages({ messages: 1 });
    const startedAt = performance.now();
    await supervisor.start({ runId: 'run:bench', document, paused: true, afterCrash: false });
    const seconds = (performance.now() - startedAt) / 1000;
    await supervisor.close();
    return seconds;
  });
}
