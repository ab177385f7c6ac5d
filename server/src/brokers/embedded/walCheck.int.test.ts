import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, uptime } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Broker } from '../broker.ts';
import { appendOf, testMessage, testMessages } from '../contract/testMessages.ts';
import { createEmbeddedBroker } from './embeddedBroker.ts';
import { openLogReader } from './readOnlyLog.ts';

const FRAME_BYTES = 24 + 4096;
const HEADER_BYTES = 32;

let root: string;
let live: string;
let broker: Broker;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'millrace-wal-'));
  live = path.join(root, 'live');
  broker = await createEmbeddedBroker({ folder: live, durability: 'fsync' });
  await broker.open([{ topic: 'orders', partitions: 1 }]);
});
afterEach(async () => {
  await broker.close();
  await rm(root, { recursive: true });
});

/** What is on disk at this moment, as a kill would leave it, with or without the map of the write-ahead log. */
function copyOf(name: string, files: ('log.db' | 'log.db-wal' | 'log.db-shm')[]): string {
  const folder = path.join(root, name);
  mkdirSync(folder);
  for (const file of files) copyFileSync(path.join(live, file), path.join(folder, file));
  return folder;
}

async function endOf(folder: string): Promise<number> {
  const opened = await createEmbeddedBroker({ folder, durability: 'fsync' });
  try {
    await opened.open([{ topic: 'orders', partitions: 1 }]);
    const [range] = await opened.offsets('orders');
    const request = { topic: 'orders', partition: 0, fromOffset: 0, messagesMax: 1000, bytesMax: 1e8 };
    const { messages } = await opened.read(request);
    expect(messages.map(({ message }) => message)).toEqual(testMessages(range?.end ?? -1));
    return range?.end ?? -1;
  } finally {
    await opened.close();
  }
}

async function write(count: number, from: number): Promise<void> {
  for (let index = from; index < from + count; index++)
    await broker.write(appendOf('orders', 0, [testMessage(index)]));
}

/** Changes a byte of a frame, counted from the first, or from the last if negative. */
function changeFrame(folder: string, frame: number): void {
  const file = path.join(folder, 'log.db-wal');
  const bytes = readFileSync(file);
  const frames = Math.floor((bytes.length - HEADER_BYTES) / FRAME_BYTES);
  const at = HEADER_BYTES + (frame < 0 ? frames + frame : frame) * FRAME_BYTES + 24 + 100;
  bytes[at] = (bytes[at] as number) ^ 0x10;
  writeFileSync(file, bytes);
}

const corrupt = { code: 'STORAGE_CORRUPT', message: expect.stringContaining('log.db-wal') };

it('[TP7] drops a transaction that a power cut tore, of which nobody was told', async () => {
  await write(10, 0);
  const torn = copyOf('torn', ['log.db', 'log.db-wal']);
  changeFrame(torn, -1);
  expect(await endOf(torn)).toBe(9);
  const cut = copyOf('cut', ['log.db', 'log.db-wal']);
  const wal = path.join(cut, 'log.db-wal');
  truncateSync(wal, statSync(wal).size - 1000);
  expect(await endOf(cut)).toBe(9);
});

it('[TP7] refuses the same where the map of a killed process says that it was acknowledged', async () => {
  await write(10, 0);
  const changed = copyOf('changed', ['log.db', 'log.db-wal', 'log.db-shm']);
  changeFrame(changed, -1);
  await expect(endOf(changed)).rejects.toMatchObject(corrupt);
  expect(() => openLogReader(changed).topics()).toThrow(expect.objectContaining(corrupt));
  const cut = copyOf('cut', ['log.db', 'log.db-wal', 'log.db-shm']);
  truncateSync(path.join(cut, 'log.db-wal'), 0);
  await expect(endOf(cut)).rejects.toMatchObject(corrupt);
  const whole = copyOf('whole', ['log.db', 'log.db-wal', 'log.db-shm']);
  expect(await endOf(whole)).toBe(10);
});

it('[TP7] does not believe a map from before the machine started', async () => {
  await write(10, 0);
  const old = copyOf('old', ['log.db', 'log.db-wal', 'log.db-shm']);
  changeFrame(old, -1);
  const before = Date.now() / 1000 - uptime() - 3600;
  utimesSync(path.join(old, 'log.db-shm'), before, before);
  expect(await endOf(old)).toBe(9);
});

it('[TP7] refuses a change that later transactions followed, map or not', async () => {
  await write(10, 0);
  const changed = copyOf('changed', ['log.db', 'log.db-wal']);
  changeFrame(changed, 3);
  await expect(endOf(changed)).rejects.toMatchObject(corrupt);
  const head = copyOf('head', ['log.db', 'log.db-wal']);
  const file = path.join(head, 'log.db-wal');
  const bytes = readFileSync(file);
  bytes[17] = (bytes[17] as number) ^ 1;
  writeFileSync(file, bytes);
  await expect(endOf(head)).rejects.toMatchObject(corrupt);
});

it('takes a log that is being written for what it is', { timeout: 60_000 }, async () => {
  const big = testMessage(1, { data: JSON.stringify('x'.repeat(50_000)) });
  let writing = true;
  const writes = (async () => {
    // Enough for the write-ahead log to begin anew several times.
    for (let round = 0; round < 120; round++)
      await Promise.all(Array.from({ length: 10 }, () => broker.write(appendOf('orders', 0, [big]))));
    writing = false;
  })();
  let looks = 0;
  while (writing) {
    const reader = openLogReader(live);
    expect(reader.topics()).toEqual([{ topic: 'orders', partitions: 1 }]);
    reader.close();
    looks++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writes;
  expect(looks).toBeGreaterThan(5);
});
