import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const READY_MS_MAX = 15_000;
const POLL_MS = 50;

/** The first line of what a program says of its version, or null where it is not installed. */
export function versionOf(command: string): string | null {
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return status === 0 ? (stdout.split('\n')[0]?.trim() ?? '') : null;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Another program's server, for as long as `work` takes. */
export async function withServer<Value>(
  command: string,
  args: string[],
  connect: () => Promise<Value>,
): Promise<{ value: Value; stop(): Promise<void> }> {
  const child = spawn(command, args, { stdio: 'ignore' });
  const giveUpAt = performance.now() + READY_MS_MAX;
  for (;;) {
    try {
      const value = await connect();
      return { value, stop: () => stopped(child) };
    } catch (thrown) {
      if (performance.now() > giveUpAt || child.exitCode !== null) {
        await stopped(child);
        throw thrown;
      }
      await delay(POLL_MS);
    }
  }
}

function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
