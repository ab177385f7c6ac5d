import { copyFileSync, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Broker } from '../broker.ts';
import { maintainAll } from '../contract/cleanupContract.ts';
import { appendOf, testMessage, testMessages } from '../contract/testMessages.ts';
import { prepareBatch, writeBatch } from './batchCodec.ts';
import { createEmbeddedBroker } from './embeddedBroker.ts';
import { LOG_FORMAT } from './logSchema.ts';
import { openLogReader } from './readOnlyLog.ts';

const NO_LIMIT = { messagesMax: 100_000, bytesMax: 1_000_000_000 };

/** As version 0.1.0 made it. Never edited: logs of that kind are on people's disks. */
const FORMAT_1 = `
  CREATE TABLE IF NOT EXISTS partitions (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, partition)
  );
  CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY,
    partition_id INTEGER NOT NULL,
    base_offset INTEGER NOT NULL,
    count INTEGER NOT NULL,
    appended_ms REAL NOT NULL,
    crc32 INTEGER NOT NULL,
    data BLOB NOT NULL
  );
  CREATE UNIQUE INDEX IF NOT EXISTS batches_by_offset ON batches (partition_id, base_offset, count, appended_ms);
  CREATE TABLE IF NOT EXISTS commits (
    consumer_group TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS state (
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (store, key)
  ) WITHOUT ROWID;
`;

let root: string;
let folder: string;
let broker: Broker | null = null;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'millrace-upgrade-'));
  folder = path.join(root, 'run');
  await mkdir(folder);
});
afterEach(async () => {
  await broker?.close();
  broker = null;
  await rm(root, { recursive: true });
});

/** Thirty batches of ten messages in turn over two partitions; `close` leaves the log as its last owner would. */
function makeOldLog(): DatabaseSync {
  const database = new DatabaseSync(path.join(folder, 'log.db'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0');
  database.exec(`BEGIN IMMEDIATE; ${FORMAT_1} PRAGMA user_version = 1; COMMIT;`);
  for (const partition of [0, 1])
    database.prepare('INSERT INTO partitions (topic, partition) VALUES (?, ?)').run('orders', partition);
  const append = database.prepare(
    'INSERT INTO batches (partition_id, base_offset, count, appended_ms, crc32, data) VALUES (?, ?, ?, ?, ?, ?)',
  );
  for (let index = 0; index < 30; index++) {
    const partitionId = 1 + (index % 2);
    const base = Math.floor(index / 2) * 10;
    const batch = prepareBatch(testMessages(10, base));
    const data = Buffer.alloc(batch.bytes);
    writeBatch(batch, data, 0);
    append.run(partitionId, base, 10, 1000 + index, crc32(data, crc32(`${partitionId}:${base}:10`)), data);
  }
  database.prepare('INSERT INTO commits VALUES (?, ?, ?, ?)').run('g', 'orders', 1, 120);
  database.prepare('INSERT INTO state VALUES (?, ?, ?)').run('s', 'ключ', '{"a":1}');
  return database;
}

async function checkBroker(): Promise<void> {
  broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
  await broker.open([{ topic: 'orders', partitions: 2 }]);
  for (const partition of [0, 1]) {
    const { messages, end } = await broker.read({ topic: 'orders', partition, fromOffset: 0, ...NO_LIMIT });
    expect(end).toBe(150);
    expect(messages.map(({ message }) => message)).toEqual(testMessages(150));
  }
  expect((await broker.offsets('orders'))[0]).toMatchObject({ start: 0, end: 150, messages: 150 });
  expect(await broker.offsetAtTime('orders', 0, 1003)).toBe(20);
  expect(await broker.commits()).toEqual([{ group: 'g', topic: 'orders', partition: 1, offset: 120 }]);
  expect(await broker.state()).toEqual([{ store: 's', key: 'ключ', value: '{"a":1}' }]);
}

const formatOf = (at: string): unknown => {
  const database = new DatabaseSync(path.join(at, 'log.db'), { readOnly: true });
  const format = database.prepare('PRAGMA user_version').get()?.user_version;
  database.close();
  return format;
};

it('[TP4] brings a log of format 1 up to date when a run opens it, and goes on with it', async () => {
  makeOldLog().close();
  await checkBroker();
  expect(formatOf(folder)).toBe(LOG_FORMAT);
  const writing = broker as Broker;
  expect(await writing.write(appendOf('orders', 0, [testMessage(150)]))).toEqual({ bases: [150] });
  await writing.open([{ topic: 'orders', partitions: 2, cleanup: 'compact' }]);
  await maintainAll(writing, 1e12);
  const { messages } = await writing.read({ topic: 'orders', partition: 0, fromOffset: 0, ...NO_LIMIT });
  // The newest batch, and of the seven keys before it those that it does not have.
  expect(messages.map(({ offset }) => offset)).toEqual([144, 145, 146, 147, 148, 149, 150]);
});

it('[TP4] brings the log of a run that is over up to date when somebody looks at it', () => {
  makeOldLog().close();
  const reader = openLogReader(folder);
  expect(reader.offsets('orders')).toEqual([
    { start: 0, end: 150 },
    { start: 0, end: 150 },
  ]);
  const { messages } = reader.read({ topic: 'orders', partition: 1, fromOffset: 140, ...NO_LIMIT });
  expect(messages.map(({ message }) => message)).toEqual(testMessages(10, 140));
  expect(reader.sizes('orders')).toMatchObject([{ messages: 150 }, { messages: 150 }]);
  reader.close();
  expect(formatOf(folder)).toBe(LOG_FORMAT);
});

it('[RN3] upgrades a log whose process was killed, and one whose upgrade was', async () => {
  const old = makeOldLog();
  // The files as a kill would leave them: nothing has been moved out of the write-ahead log.
  const killed = path.join(root, 'killed');
  await mkdir(killed);
  for (const file of ['log.db', 'log.db-wal', 'log.db-shm'])
    copyFileSync(path.join(folder, file), path.join(killed, file));
  // An upgrade that has written much and has not committed.
  old.exec('BEGIN IMMEDIATE; ALTER TABLE batches ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;');
  old.exec('DROP INDEX batches_by_offset; PRAGMA cache_size = 1; PRAGMA cache_spill = 1');
  old.exec('UPDATE batches SET appended_ms = appended_ms + 1');
  const torn = path.join(root, 'torn');
  await mkdir(torn);
  for (const file of ['log.db', 'log.db-wal', 'log.db-shm'])
    if (existsSync(path.join(folder, file))) copyFileSync(path.join(folder, file), path.join(torn, file));
  old.exec('ROLLBACK');
  old.close();
  for (const left of [killed, torn]) {
    folder = left;
    await checkBroker();
    await broker?.close();
    expect(formatOf(left)).toBe(LOG_FORMAT);
  }
});
