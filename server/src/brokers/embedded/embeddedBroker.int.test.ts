import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Broker } from '../broker.ts';
import { maintainAll } from '../contract/cleanupContract.ts';
import { appendOf, testMessage, testMessages } from '../contract/testMessages.ts';
import { createEmbeddedBroker } from './embeddedBroker.ts';

const KILLS = 5;
const NO_LIMIT = { messagesMax: 1_000_000, bytesMax: 1_000_000_000 };

let folder: string;
const open: Broker[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-embedded-'));
});
afterEach(async () => {
  for (const broker of open.splice(0)) await broker.close();
  await rm(folder, { recursive: true });
});

async function start(at = folder, durability: 'fsync' | 'relaxed' = 'fsync'): Promise<Broker> {
  const broker = await createEmbeddedBroker({ folder: at, durability });
  open.push(broker);
  await broker.open([{ topic: 'orders', partitions: 4 }]);
  return broker;
}

describe('loss of the process', () => {
  const writer = fileURLToPath(new URL('../contract/killedWriter.ts', import.meta.url));

  /** Runs the writer until it has acknowledged enough, kills it, and returns what it said was acknowledged. */
  async function writeAndKill(durability: string, enough: number): Promise<string[]> {
    const child: ChildProcess = spawn(process.execPath, [writer, folder, durability], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    const exited = once(child, 'exit');
    for await (const line of createInterface({ input: child.stdout! })) {
      lines.push(line);
      if (lines.length === enough) child.kill('SIGKILL');
    }
    await exited;
    // The last line may have been cut by the kill.
    return lines.slice(0, -1);
  }

  it.each(['fsync', 'relaxed'] as const)(
    '[TP3] finds after kill -9 all that was acknowledged (%s)',
    async (durability) => {
      const acknowledged: string[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        acknowledged.push(...(await writeAndKill(durability, 50 + kill * 97)));
        // The lock of the killed process is gone with it; reading sees whole batches only, without gaps.
        const broker = await start(folder, durability);
        for (const [partition, { start: first, end }] of (await broker.offsets('orders')).entries()) {
          expect(first).toBe(0);
          const { messages } = await broker.read({ topic: 'orders', partition, fromOffset: 0, ...NO_LIMIT });
          expect(messages.map(({ offset }) => offset)).toEqual(
            Array.from({ length: end }, (_, offset) => offset),
          );
          const found = new Map(messages.map(({ message, offset }) => [offset, message.id]));
          for (const line of acknowledged) {
            const [index, at, offset] = line.split(' ').map(Number) as [number, number, number];
            if (at === partition) expect(found.get(offset), `message ${index}`).toBe(testMessage(index).id);
          }
        }
        await broker.close();
      }
      expect(acknowledged.length).toBeGreaterThan(KILLS * 40);
    },
  );
});

describe('one owner', () => {
  it('refuses a log that another process or broker has open, and takes it when that is gone', async () => {
    const first = await start();
    const second = createEmbeddedBroker({ folder, durability: 'fsync' });
    await expect(second).rejects.toMatchObject({ code: 'DATA_FOLDER_LOCKED' });
    await first.write(appendOf('orders', 0, testMessages(1)));
    await first.close();
    const third = await start();
    expect((await third.offsets('orders'))[0]).toMatchObject({ start: 0, end: 1 });
  });
});

describe('damage', () => {
  it('names what is damaged when bytes of a batch have changed, and serves the rest', async () => {
    const first = await start();
    await first.write(appendOf('orders', 2, testMessages(3)));
    await first.write(appendOf('orders', 2, testMessages(3, 3)));
    await first.close();
    const database = new DatabaseSync(path.join(folder, 'log.db'));
    const { data } = database.prepare('SELECT data FROM batches WHERE base_offset = 3').get() as {
      data: Uint8Array;
    };
    data[data.length - 5]! ^= 1;
    database.prepare('UPDATE batches SET data = ? WHERE base_offset = 3').run(data);
    database.close();

    const broker = await start();
    const read = (fromOffset: number, messagesMax: number) =>
      broker.read({ topic: 'orders', partition: 2, fromOffset, messagesMax, bytesMax: 1_000_000 });
    expect((await read(0, 3)).messages).toHaveLength(3);
    await expect(read(3, 1)).rejects.toMatchObject({
      code: 'STORAGE_CORRUPT',
      details: { topic: 'orders', partition: 2, offset: 3 },
    });
  });

  it('says that a file is no log, or a torn one, and does not touch it', async () => {
    const file = path.join(folder, 'log.db');
    await writeFile(file, 'certainly not a database'.repeat(100));
    await expect(start()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
    expect(await readFile(file, 'utf8')).toContain('certainly not a database');
    await rm(file);

    const broker = await start();
    await broker.write(appendOf('orders', 0, testMessages(500)));
    await broker.close();
    // All of it is in the one file now.
    await expect(stat(`${file}-wal`)).rejects.toMatchObject({ code: 'ENOENT' });
    const whole = await readFile(file);
    await writeFile(file, Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 0xaa)]));
    await expect(start()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
  });

  it('refuses a log of a newer format', async () => {
    await (await start()).close();
    const database = new DatabaseSync(path.join(folder, 'log.db'));
    database.exec('PRAGMA user_version = 99; ALTER TABLE batches ADD COLUMN later INTEGER');
    database.close();
    await expect(start()).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('format 99'),
    });
  });
});

describe('a full disk', () => {
  it('[TP3] refuses writes as a whole, keeps what it has, and goes on when there is room', async ({
    skip,
  }) => {
    const disk = path.join(folder, 'small');
    await mkdir(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch {
      skip('mounting a small disk is not permitted here');
    }
    try {
      await fillDisk(disk);
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  it('[TP4] leaves the log as it was when there is no room to clean it up, and cleans up when there is', async ({
    skip,
  }) => {
    const disk = path.join(folder, 'small');
    await mkdir(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch {
      skip('mounting a small disk is not permitted here');
    }
    try {
      await cleanFullDisk(disk);
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  async function cleanFullDisk(disk: string): Promise<void> {
    const broker = await start(disk);
    const retention = { ageMs: 0, bytes: 0, messages: 100 };
    await broker.open([{ topic: 'orders', partitions: 4, retention }]);
    let written = 0;
    for (; written < 500; written += 50) await broker.write(appendOf('orders', 0, testMessages(50, written)));
    const ballast = path.join(disk, 'ballast');
    // All that is left, to the last page.
    await writeFile(ballast, Buffer.alloc(2 * 1024 * 1024)).catch(() => {});
    await expect(broker.maintain(2000)).rejects.toMatchObject({ code: 'STORAGE_FULL', retryable: true });
    expect((await broker.offsets('orders'))[0]).toMatchObject({ start: 0, end: 500, messages: 500 });
    await rm(ballast);
    expect(await maintainAll(broker, 2000)).toMatchObject([{ start: 400, expired: 400 }]);
    await broker.write(appendOf('orders', 0, testMessages(50, written)));
    const { messages } = await broker.read({ topic: 'orders', partition: 0, fromOffset: 400, ...NO_LIMIT });
    expect(messages.map(({ message }) => message)).toEqual(testMessages(150, 400));
    await broker.close();
  }

  async function fillDisk(disk: string): Promise<void> {
    const ballast = path.join(disk, 'ballast');
    await writeFile(ballast, Buffer.alloc(1024 * 1024));
    const broker = await start(disk);
    let written = 0;
    const refusal = await (async () => {
      for (;;) {
        const batch = appendOf('orders', 0, testMessages(50, written));
        batch.state.push({ store: 's', key: 'written', value: String(written + 50) });
        // Those queued behind the first that fails have to fail with it, or they would overtake it.
        const results = await Promise.allSettled([
          broker.write(batch),
          broker.write(appendOf('orders', 1, testMessages(1))),
        ]);
        const failed = results.find((result) => result.status === 'rejected');
        if (failed) {
          expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
          return failed.reason as unknown;
        }
        written += 50;
      }
    })();
    expect(refusal).toBeInstanceOf(WorkbenchError);
    expect(refusal).toMatchObject({ code: 'STORAGE_FULL', retryable: true });
    expect((await broker.offsets('orders'))[0]).toMatchObject({ start: 0, end: written });
    expect(await broker.state()).toEqual([{ store: 's', key: 'written', value: String(written) }]);

    await rm(ballast);
    await broker.write(appendOf('orders', 0, testMessages(50, written)));
    await broker.close();
    const again = await start(disk);
    const { messages } = await again.read({ topic: 'orders', partition: 0, fromOffset: 0, ...NO_LIMIT });
    expect(messages.map(({ message }) => message)).toEqual(testMessages(written + 50));
    await again.close();
  }
});

describe('the write-ahead log', () => {
  it('stays bounded under a flood', async () => {
    const broker = await start();
    const message = testMessage(1, { data: JSON.stringify('x'.repeat(10_000)) });
    let largest = 0;
    for (let round = 0; round < 60; round++) {
      await Promise.all(
        Array.from({ length: 4 }, (_, partition) =>
          broker.write(appendOf('orders', partition, Array(50).fill(message))),
        ),
      );
      largest = Math.max(largest, (await stat(path.join(folder, 'log.db-wal'))).size);
    }
    expect((await stat(path.join(folder, 'log.db'))).size).toBeGreaterThan(60 * 1024 * 1024);
    expect(largest).toBeLessThan(64 * 1024 * 1024);
  });

  it('reads what is long out of the cache', async () => {
    const broker = await start();
    const message = testMessage(1, { data: JSON.stringify('x'.repeat(10_000)) });
    for (let round = 0; round < 40; round++)
      await broker.write(appendOf('orders', 0, Array(200).fill(message)));
    for (let offset = 0; offset < 8000; ) {
      const { messages } = await broker.read({
        topic: 'orders',
        partition: 0,
        fromOffset: offset,
        messagesMax: 333,
        bytesMax: 2_000_000,
      });
      expect(messages[0]).toEqual({ message, offset, appendedAtMs: 1000 });
      offset += messages.length;
    }
  });
});
