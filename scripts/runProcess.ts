import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from './sourceFiles.ts';

export type Outcome = { code: number; output: string; durationMs: number };

/** In `env`, undefined takes a variable away. */
type RunOptions = { env?: Record<string, string | undefined>; echo?: boolean };

/** The project's own copy of a tool, started by file: nothing has to be on PATH. */
export const tools = {
  biome: 'node_modules/@biomejs/biome/bin/biome',
  knip: 'node_modules/knip/bin/knip.js',
  tsc: 'node_modules/typescript/bin/tsc',
  vite: 'node_modules/vite/bin/vite.js',
  vitest: 'node_modules/vitest/vitest.mjs',
  playwright: 'e2e/node_modules/@playwright/test/cli.js',
} as const;

/** Runs a script with this Node in the project's root. `echo` shows the output while it comes. */
export const runNode = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, args, {
      cwd: projectRoot,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      if (options.echo) process.stdout.write(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code: code ?? 1, output, durationMs: performance.now() - startedAt }),
    );
  });

export const inProject = (path: string): string => join(projectRoot, path);

export const inSeconds = (durationMs: number): string => `${(durationMs / 1000).toFixed(1)} s`;
