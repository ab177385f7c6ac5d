import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { until } from '../../../../testing/until.ts';

/** Set by the test script, which finds or installs a PostgreSQL; without it the tests that need one are skipped. */
export const POSTGRES_BIN = process.env.MILLRACE_POSTGRES_BIN;

const PASSWORD = 'not-to-be-printed';

/** A PostgreSQL of a test's own, on a free port, in a temporary folder. */
export type TestPostgres = {
  connection: string;
  password: string;
  query(sql: string): Promise<Record<string, unknown>[]>;
  start(): Promise<void>;
  /** As a crash does: what it was asked is not answered. */
  kill(): Promise<void>;
  remove(): Promise<void>;
};

export async function createTestPostgres(bin: string): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-postgres-'));
  // PostgreSQL does not run as root.
  const user: { uid?: number; gid?: number } = process.getuid?.() === 0 ? somebodyElse() : {};
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'app', '-A', 'trust', '--no-sync', '-E', 'UTF8'],
    {
      ...user,
      cwd: folder,
      encoding: 'utf8',
    },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const connection = `postgres://app:${PASSWORD}@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | null = null;
  const query = async (sql: string): Promise<Record<string, unknown>[]> => {
    const client = new Client({ connectionString: connection });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const kill = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    // SIGQUIT ends all its processes without ceremony; it repairs itself at the next start.
    child.kill('SIGQUIT');
    await exit;
    child = null;
  };
  return {
    connection,
    password: PASSWORD,
    query,
    kill,
    async start() {
      const options = [
        'listen_addresses=127.0.0.1',
        `port=${port}`,
        `unix_socket_directories=${folder}`,
        'fsync=off',
      ];
      const args = ['-D', data, ...options.flatMap((option) => ['-c', option])];
      child = spawn(join(bin, 'postgres'), args, { ...user, cwd: folder, stdio: 'ignore' });
      await until('PostgreSQL to answer', async () => {
        return await query('SELECT 1').catch(() => undefined);
      });
    },
    async remove() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function somebodyElse(): { uid: number; gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => users.find(([user]) => user === name)).find(Boolean);
  if (!found) throw new Error('There is no user postgres or nobody to run PostgreSQL as');
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port was given');
  return address.port;
}
