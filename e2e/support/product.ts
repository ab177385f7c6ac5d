import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;

/** One running Millrace server, started from the checkout as a user's would be. */
export type Product = {
  url: string;
  dataFolder: string;
  pid: number;
  /** Everything it printed, for the message of a failing test. */
  output(): string;
  /** SIGTERM and wait. */
  stop(): Promise<number | null>;
  /** SIGKILL and wait: what `kill -9` does. */
  kill(): Promise<void>;
};

export type ProductOptions = {
  dataFolder: string;
  /** Any free one when left out. */
  port?: number;
  env?: Record<string, string>;
};

/** Starts the server on a free port; resolves when it says that it is ready. */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const child = spawn(process.execPath, ['--no-node-snapshot', 'server/src/cli/millrace.ts', 'serve'], {
    cwd: ROOT,
    env: {
      ...process.env,
      MILLRACE_PORT: String(options.port ?? 0),
      MILLRACE_HOST: '127.0.0.1',
      MILLRACE_DATA: options.dataFolder,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8');
  const url = await new Promise<string>((resolve, reject) => {
    const giveUp = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the server was not ready after ${READY_MS_MAX} ms; it printed:\n${output}`));
    }, READY_MS_MAX);
    const hear = (chunk: string): void => {
      output += chunk;
      const ready = /https?:\/\/127\.0\.0\.1:\d+/.exec(output);
      if (!ready) return;
      clearTimeout(giveUp);
      resolve(ready[0]);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', (chunk: string) => {
      output += chunk;
    });
    child.on('exit', (code, signal) => {
      clearTimeout(giveUp);
      reject(new Error(`the server ended before it was ready (${signal ?? code}); it printed:\n${output}`));
    });
  });
  return {
    url,
    dataFolder: options.dataFolder,
    pid: child.pid ?? -1,
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM');
      return exitOf(child, 'SIGTERM');
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exitOf(child, 'SIGKILL');
    },
  };
}

function exitOf(child: ChildProcess, signal: string): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the server still ran ${STOP_MS_MAX} ms after ${signal}`));
    }, STOP_MS_MAX);
    child.on('exit', (code) => {
      clearTimeout(giveUp);
      resolve(code);
    });
  });
}

/** A folder under the system's temporary folder; `remove` deletes it. */
export async function temporaryFolder(label: string): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), `millrace-${label}-`));
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}
