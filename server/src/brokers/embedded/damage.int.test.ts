import { copyFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { createRandom, type Random } from '@millrace/shared/util/random.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Broker, TopicSpec } from '../broker.ts';
import { maintainAll, versionOf } from '../contract/cleanupContract.ts';
import { appendOf, testMessages } from '../contract/testMessages.ts';
import { createEmbeddedBroker } from './embeddedBroker.ts';
import { createLogFile } from './logFile.ts';
import { openLogForWriting } from './logSchema.ts';
import { readBooks } from './partitionBook.ts';
import { openLogReader } from './readOnlyLog.ts';
import { repairLog } from './repair/repairLog.ts';

const SEEDS = Number(process.env.MILLRACE_SEEDS ?? 150);
const FIRST_SEED = Number(process.env.MILLRACE_SEED ?? 1);
/** Of the damaged logs that are refused, so many are repaired. */
const REPAIR_EVERY = 4;
const FILES = ['log.db', 'log.db-wal', 'log.db-shm'];
const TOPICS: TopicSpec[] = [
  { topic: 'orders', partitions: 3, retention: { ageMs: 0, bytes: 0, messages: 40 } },
  { topic: 'prices', partitions: 1, cleanup: 'compact' },
];

let root: string;
/** What a kill leaves: part of the log in the file, part in the write-ahead log. */
let killed: string;
/** What a run that ended in good order leaves: one file. */
let ended: string;
let expected: { killed: string; ended: string };

async function fill(broker: Broker, round: number): Promise<void> {
  for (let batch = 0; batch < 12; batch++) {
    const at = round * 12 + batch;
    await broker.write({
      appends: [
        { topic: 'orders', partition: at % 3, messages: testMessages(10, at * 10) },
        { topic: 'prices', partition: 0, messages: [versionOf(`key-${at % 5}`, at), versionOf(null, at)] },
      ],
      commits: [{ group: `group-${at % 4}`, topic: 'orders', partition: at % 3, offset: at }],
      state: [{ store: 'counts', key: `key-${at}`, value: JSON.stringify({ at, text: 'x'.repeat(200) }) }],
      nowMs: 1000 + at,
    });
  }
  await maintainAll(broker, 5000);
}

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'millrace-damage-'));
  ended = path.join(root, 'ended');
  killed = path.join(root, 'killed');
  const first = await createEmbeddedBroker({ folder: ended, durability: 'fsync' });
  await first.open(TOPICS);
  await fill(first, 0);
  await first.close();
  const second = await createEmbeddedBroker({ folder: ended, durability: 'fsync' });
  await second.open(TOPICS);
  await fill(second, 1);
  copyLog(ended, killed);
  await second.write(appendOf('orders', 0, testMessages(5, 1000)));
  await second.close();
  expected = {
    killed: readInTurn(copyOf(killed, 'whole-killed')),
    ended: readInTurn(copyOf(ended, 'whole-ended')),
  };
  expect(JSON.parse(expected.killed).broker).toMatchObject({
    orders: expect.any(Array),
    prices: expect.any(Array),
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

function copyLog(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const file of FILES)
    if (existsSync(path.join(from, file))) copyFileSync(path.join(from, file), path.join(to, file));
}
function copyOf(from: string, name: string): string {
  const folder = path.join(root, name);
  copyLog(from, folder);
  return folder;
}

/** All that a log holds, as text: first for its writer, then for a reader. */
function readInTurn(folder: string): string {
  return JSON.stringify({ broker: readAsWriter(folder), reader: readAsReader(folder) });
}

function readAsWriter(folder: string): unknown {
  const database = openLogForWriting(folder, 'fsync');
  try {
    const books = readBooks(database, folder);
    const file = createLogFile(database, folder);
    const topics: Record<string, unknown[]> = {};
    for (const { topic } of file.topics()) {
      topics[topic] = file.partitions(topic).map((partition) => ({
        partition,
        messages: file.read(partition, {
          ...{ topic, partition: partition.partition, fromOffset: partition.start },
          ...{ messagesMax: 1e6, bytesMax: 1e9 },
        }),
        times: [1003, 1015].map((timeMs) => file.offsetAtTime(partition, timeMs)),
      }));
    }
    return {
      ...topics,
      commits: file.commits(),
      state: file.state(),
      sizes: books.map(({ messages, bytes }) => [messages, bytes]),
    };
  } finally {
    database.close();
  }
}

function readAsReader(folder: string): unknown {
  const reader = openLogReader(folder);
  try {
    return reader.topics().map(({ topic }) => ({
      offsets: reader
        .offsets(topic)
        .map(({ start, end }, partition) => [
          start,
          end,
          reader.read({ topic, partition, fromOffset: start, messagesMax: 1e6, bytesMax: 1e9 }).messages,
        ]),
      newest: reader.readNewest(topic, 1000),
    }));
  } finally {
    reader.close();
  }
}

type Damage = { file: string; kind: 'flip' | 'overwrite' | 'zero' | 'truncate'; at: number; length: number };

function damageOf(random: Random, folder: string): Damage {
  const files = FILES.slice(0, 2).filter((file) => existsSync(path.join(folder, file)));
  const file = files[random.int(files.length)] as string;
  const { length: size } = readFileSync(path.join(folder, file));
  const kind = (['flip', 'flip', 'overwrite', 'zero', 'truncate'] as const)[random.int(5)] as Damage['kind'];
  // Half of the time near the front, where every byte matters.
  const at = random.int(random.int(2) === 0 ? Math.min(size, 4096) : size);
  return { file, kind, at, length: 1 + random.int(600) };
}

function inflict(folder: string, { file, kind, at, length }: Damage, random: Random): void {
  const target = path.join(folder, file);
  if (kind === 'truncate') return truncateSync(target, at);
  const bytes = readFileSync(target);
  if (kind === 'flip') bytes[at] = (bytes[at] as number) ^ (1 << random.int(8));
  else bytes.fill(kind === 'zero' ? 0 : 1 + random.int(255), at, Math.min(bytes.length, at + length));
  writeFileSync(target, bytes);
}

/** The whole of what is allowed: all of it, or an error that says what to do. */
function outcomeOf(read: () => string): string {
  try {
    return read();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(WorkbenchError);
    const { code, message } = thrown as WorkbenchError;
    expect(['STORAGE_CORRUPT', 'STORAGE_FAILED'], message).toContain(code);
    if (code === 'STORAGE_CORRUPT') expect(message).toMatch(/log\.db.* is damaged: .*millrace repair/s);
    return `refused: ${message}`;
  }
}

type Expected = { broker: Record<'orders' | 'prices', { messages: { offset: number }[] }[]> };

/** Whatever a repair saves is as it was written, under the offset it had. */
function checkRepaired(folder: string, original: string, where: string): void {
  const report = repairLog(folder);
  const repaired = JSON.parse(readInTurn(folder)) as Expected;
  const { broker } = JSON.parse(original) as Expected;
  for (const topic of ['orders', 'prices'] as const) {
    for (const [partition, { messages }] of (repaired.broker[topic] ?? []).entries()) {
      const known = new Map(broker[topic][partition]?.messages.map((message) => [message.offset, message]));
      for (const message of messages) {
        const before = known.get(message.offset);
        // What compaction had removed may come back with an older page; it is what was written all the same.
        if (before !== undefined) expect(message, where).toEqual(before);
      }
    }
  }
  if (report.damage !== null) expect(existsSync(path.join(folder, report.keptAs ?? '')), where).toBe(true);
}

describe('[TP7] damaged files', () => {
  it.each(['killed', 'ended'] as const)(
    'are read wholly or refused, never wrongly, and repaired without inventing anything (%s)',
    { timeout: SEEDS * 400 },
    async (kind) => {
      let refused = 0;
      for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
        const random = createRandom(`damage:${kind}:${seed}`);
        const folder = copyOf({ killed, ended }[kind], `${kind}-${seed}`);
        const damage = damageOf(random, folder);
        const where = `seed ${seed}: ${JSON.stringify(damage)}`;
        inflict(folder, damage, random);
        const outcome = outcomeOf(() => readInTurn(folder));
        if (outcome.startsWith('refused')) {
          refused++;
          if (refused % REPAIR_EVERY === 0) checkRepaired(folder, expected[kind], where);
        } else expect(outcome, where).toBe(expected[kind]);
        await rm(folder, { recursive: true });
      }
      // Damage to what nobody needs is no damage; but most of a log is needed.
      expect(refused).toBeGreaterThan(SEEDS / 4);
    },
  );

  it('are refused by the broker with a word on what to do, whichever thread finds out', async () => {
    const folder = copyOf(ended, 'broker');
    const file = path.join(folder, 'log.db');
    truncateSync(file, readFileSync(file).length - 4096);
    const start = createEmbeddedBroker({ folder, durability: 'fsync' });
    await expect(start).rejects.toMatchObject({
      code: 'STORAGE_CORRUPT',
      message: expect.stringContaining(`millrace repair ${folder}`),
    });
  });
});
