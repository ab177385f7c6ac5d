import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { appendOf, testMessage, testMessages } from '../brokers/contract/testMessages.ts';
import { createEmbeddedBroker } from '../brokers/embedded/embeddedBroker.ts';
import { runCli } from './testing/testCli.ts';

const NO_LIMIT = { messagesMax: 100_000, bytesMax: 1_000_000_000 };

let data: string;
let run: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'millrace-repair-'));
  run = join(data, 'runs', 'one');
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

/** Twenty batches of five in each of two partitions, a commit and an entry of state. */
async function makeLog(folder: string): Promise<void> {
  const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
  await broker.open([{ topic: 'orders', partitions: 2 }]);
  for (let batch = 0; batch < 20; batch++) {
    await broker.write({
      appends: [0, 1].map((partition) => ({
        topic: 'orders',
        partition,
        messages: testMessages(5, batch * 5).map((message) => ({
          ...message,
          data: JSON.stringify({ batch, partition, text: 'x'.repeat(300) }),
        })),
      })),
      commits: [{ group: 'g', topic: 'orders', partition: 0, offset: batch * 5 }],
      state: [{ store: 's', key: 'batch', value: String(batch) }],
      nowMs: 1000 + batch,
    });
  }
  await broker.close();
}

/** Changes one byte of a payload. */
function damagePayload(folder: string, mark: string): void {
  const file = join(folder, 'log.db');
  const bytes = readFileSync(file);
  const at = bytes.indexOf(mark);
  expect(at).toBeGreaterThan(0);
  bytes[at + 1] = (bytes[at + 1] as number) ^ 1;
  writeFileSync(file, bytes);
}

async function readAll(
  folder: string,
  partition: number,
): Promise<{ start: number; end: number; offsets: number[] }> {
  const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
  try {
    await broker.open([{ topic: 'orders', partitions: 2 }]);
    const range = (await broker.offsets('orders'))[partition] as { start: number; end: number };
    const request = { topic: 'orders', partition, fromOffset: range.start, ...NO_LIMIT };
    const { messages } = await broker.read(request);
    for (const { message, offset } of messages) expect(message.id).toBe(testMessage(offset).id);
    return { start: range.start, end: range.end, offsets: messages.map(({ offset }) => offset) };
  } finally {
    await broker.close();
  }
}

const upTo = (end: number, hole: [number, number] = [0, 0]): number[] =>
  Array.from({ length: end }, (_, offset) => offset).filter(
    (offset) => offset < hole[0] || offset >= hole[1],
  );

it('[TP7] saves all but the damaged batch, under the same offsets, and keeps the damaged file', async () => {
  await makeLog(run);
  const whole = join(data, 'runs', 'whole');
  await makeLog(whole);
  damagePayload(run, '{"batch":7,"partition":1');
  const before = readFileSync(join(run, 'log.db'));
  await expect(readAll(run, 1)).rejects.toMatchObject({
    code: 'STORAGE_CORRUPT',
    message: expect.stringContaining(`millrace repair ${run}`),
  });

  const { code, stdout } = await runCli(['repair', data, '--json']);
  expect(code).toBe(0);
  const { logs, refused } = JSON.parse(stdout);
  expect(refused).toEqual([]);
  expect(logs).toHaveLength(2);
  expect(logs[0]).toMatchObject({
    folder: run,
    keptAs: 'log.db.damaged-1',
    holes: [{ topic: 'orders', partition: 1, from: 35, to: 39 }],
    partitions: [
      { topic: 'orders', partition: 0, start: 0, end: 100, messages: 100 },
      { topic: 'orders', partition: 1, start: 0, end: 100, messages: 95 },
    ],
    commits: 1,
    state: 1,
  });
  expect(logs[1]).toMatchObject({ folder: whole, damage: null, keptAs: null });
  expect(readdirSync(whole).sort()).not.toContain('log.db.damaged-1');
  expect(readFileSync(join(run, 'log.db.damaged-1')).equals(before)).toBe(true);

  expect((await readAll(run, 0)).offsets).toEqual(upTo(100));
  expect(await readAll(run, 1)).toEqual({ start: 0, end: 100, offsets: upTo(100, [35, 40]) });
  const again = await createEmbeddedBroker({ folder: run, durability: 'fsync' });
  expect(await again.commits()).toEqual([{ group: 'g', topic: 'orders', partition: 0, offset: 95 }]);
  expect(await again.state()).toEqual([{ store: 's', key: 'batch', value: '19' }]);
  await again.close();

  damagePayload(run, '{"batch":8,"partition":0');
  const second = await runCli(['repair', run]);
  expect(second.code).toBe(0);
  expect(second.stdout).toContain('lost: topic orders, partition 0, offsets 40 to 44');
  expect(second.stdout).toContain('log.db.damaged-2');
  expect((await runCli(['repair', run])).stdout).toContain('whole, nothing to repair');
});

it('[TP7] saves messages though the first page and the order of all others are lost', async () => {
  await makeLog(run);
  const file = join(run, 'log.db');
  const bytes = readFileSync(file);
  bytes.fill(0xaa, 0, 4096);
  writeFileSync(file, bytes);
  await expect(readAll(run, 0)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
  const { code, stdout } = await runCli(['repair', run, '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).logs[0]).toMatchObject({ holes: [], commits: 1, state: 1 });
  for (const partition of [0, 1])
    expect(await readAll(run, partition)).toEqual({ start: 0, end: 100, offsets: upTo(100) });
});

it('[TP7] saves what a truncated file still holds, and numbers on after it', async () => {
  await makeLog(run);
  const file = join(run, 'log.db');
  truncateSync(file, Math.floor(readFileSync(file).length / 8192) * 4096);
  await expect(readAll(run, 0)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
  const { code, stdout } = await runCli(['repair', run, '--json']);
  expect(code).toBe(0);
  const [{ partitions, holes }] = JSON.parse(stdout).logs;
  expect(holes).toHaveLength(2);
  for (const partition of [0, 1]) {
    const { end, offsets } = await readAll(run, partition);
    expect(end).toBeGreaterThan(10);
    expect(partitions[partition]).toMatchObject({ end, messages: end });
    expect(holes[partition]).toEqual({ topic: 'orders', partition, from: end, to: 99 });
    expect(offsets).toEqual(upTo(end));
  }
  const broker = await createEmbeddedBroker({ folder: run, durability: 'fsync' });
  await broker.open([{ topic: 'orders', partitions: 2 }]);
  const [range] = await broker.offsets('orders');
  expect(await broker.commits()).toEqual([
    { group: 'g', topic: 'orders', partition: 0, offset: Math.min(95, range?.end ?? 0) },
  ]);
  expect(await broker.write(appendOf('orders', 0, testMessages(1)))).toEqual({ bases: [range?.end] });
  await broker.close();
});

it('[TP7] saves what was acknowledged behind a bad page of the write-ahead log', async () => {
  const live = join(data, 'live');
  const broker = await createEmbeddedBroker({ folder: live, durability: 'fsync' });
  await broker.open([{ topic: 'orders', partitions: 1 }]);
  const big = (index: number) => testMessage(index, { data: JSON.stringify('y'.repeat(9000)) });
  for (let index = 0; index < 10; index++) await broker.write(appendOf('orders', 0, [big(index)]));
  mkdirSync(run, { recursive: true });
  for (const file of readdirSync(live))
    if (file.startsWith('log.db')) copyFileSync(join(live, file), join(run, file));
  await broker.close();
  const wal = join(run, 'log.db-wal');
  const bytes = readFileSync(wal);
  // In the overflow pages of one of the messages.
  bytes[bytes.indexOf('y'.repeat(4000), Math.floor(bytes.length / 2))]! ^= 1;
  writeFileSync(wal, bytes);
  await expect(createEmbeddedBroker({ folder: run, durability: 'fsync' })).rejects.toMatchObject({
    code: 'STORAGE_CORRUPT',
    message: expect.stringContaining('log.db-wal'),
  });
  const { code, stdout } = await runCli(['repair', run, '--json']);
  expect(code).toBe(0);
  const [{ holes, partitions }] = JSON.parse(stdout).logs;
  expect(holes).toHaveLength(1);
  expect(holes[0].from).toBe(holes[0].to);
  expect(partitions).toEqual([{ topic: 'orders', partition: 0, start: 0, end: 10, messages: 9 }]);
  expect(existsSync(join(run, 'log.db.damaged-1-wal'))).toBe(true);
  const { offsets } = await readAll(run, 0);
  expect(offsets).toEqual(upTo(10, [holes[0].from, holes[0].to + 1]));
});

it('[TP7] finishes a repair that was killed at its last step, and refuses to start anew before', async () => {
  await makeLog(run);
  const spare = join(data, 'spare');
  await makeLog(spare);
  copyFileSync(join(spare, 'log.db'), join(run, 'log.db.repaired'));
  copyFileSync(join(run, 'log.db'), join(run, 'log.db.damaged-1'));
  writeFileSync(join(run, 'log.db-wal'), 'of the damaged file');
  rmSync(join(run, 'log.db'));
  await expect(readAll(run, 0)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
  expect((await runCli(['repair', run])).stdout).toContain('whole');
  expect(readFileSync(join(run, 'log.db.damaged-1-wal'), 'utf8')).toBe('of the damaged file');
  expect((await readAll(run, 1)).offsets).toEqual(upTo(100));
});

it('leaves a log alone that a run has open, and says so', async () => {
  const broker = await createEmbeddedBroker({ folder: run, durability: 'fsync' });
  const { code, stdout } = await runCli(['repair', data]);
  expect(code).toBe(1);
  expect(stdout).toContain('in use by another Millrace process');
  await broker.close();
  expect(await runCli(['repair', join(data, 'nothing')])).toMatchObject({ code: 2 });
});
