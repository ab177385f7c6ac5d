import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Broker } from '../broker.ts';
import { CLEANED_TOPICS, cleanedMessage, SHORT_MESSAGES } from '../contract/cleanedTopics.ts';
import { maintainAll } from '../contract/cleanupContract.ts';
import { createEmbeddedBroker } from './embeddedBroker.ts';

const KILLS = Number(process.env.MILLRACE_KILLS ?? 5);
const NO_LIMIT = { messagesMax: 1_000_000, bytesMax: 1_000_000_000 };
const BATCH_MESSAGES = 40;
const maintainer = fileURLToPath(new URL('../contract/killedMaintainer.ts', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-cleanup-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Kills the maintainer in the middle of its slices, and returns the last ends that it said were acknowledged. */
async function cleanAndKill(slices: number): Promise<[compacted: number, short: number]> {
  const child = spawn(process.execPath, [maintainer, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let seen = 0;
  let ends: [number, number] = [0, 0];
  for await (const line of createInterface({ input: child.stdout })) {
    const whole = /^end (\d+) (\d+)$/.exec(line);
    if (whole) ends = [Number(whole[1]), Number(whole[2])];
    if (line === 'slice' && ++seen === slices) child.kill('SIGKILL');
  }
  await exited;
  expect(seen).toBeGreaterThanOrEqual(slices);
  return ends;
}

async function readAll(
  broker: Broker,
  topic: string,
): Promise<{ start: number; end: number; messages: StoredMessage[] }> {
  const [range] = await broker.offsets(topic);
  const { start, end } = range as { start: number; end: number };
  const { messages } = await broker.read({ topic, partition: 0, fromOffset: start, ...NO_LIMIT });
  expect(messages).toHaveLength(range?.messages ?? -1);
  let before = -1;
  for (const { message, offset } of messages) {
    expect(offset).toBeGreaterThan(before);
    expect(message).toEqual(cleanedMessage(offset));
    before = offset;
  }
  return { start, end, messages };
}

const offsetsOf = (messages: StoredMessage[]): Set<number> => new Set(messages.map(({ offset }) => offset));

/** The newest offset of each key below `end`. */
function newestBelow(end: number): Map<string | null, number> {
  const newest = new Map<string | null, number>();
  for (let offset = 0; offset < end; offset++) newest.set(cleanedMessage(offset).key, offset);
  newest.delete(null);
  return newest;
}

it('[TP4] loses nothing that should stay, and doubles nothing, when it is killed while it cleans up', {
  timeout: KILLS * 40_000,
}, async () => {
  let acknowledged: [number, number] = [0, 0];
  for (let kill = 0; kill < KILLS; kill++) {
    acknowledged = await cleanAndKill(3 + kill * 4);
    const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
    await broker.open(CLEANED_TOPICS);

    const short = await readAll(broker, 'short');
    expect(short.end).toBeGreaterThanOrEqual(acknowledged[1]);
    expect(short.messages).toHaveLength(short.end - short.start);
    expect(short.messages.length).toBeGreaterThanOrEqual(Math.min(SHORT_MESSAGES, short.end));

    const compacted = await readAll(broker, 'compacted');
    expect(compacted.end).toBeGreaterThanOrEqual(acknowledged[0]);
    const there = offsetsOf(compacted.messages);
    const newest = newestBelow(compacted.end);
    for (let offset = 0; offset < compacted.end; offset++) {
      const { key, data } = cleanedMessage(offset);
      const mustStay = key === null || (newest.get(key) === offset && data !== 'null');
      if (mustStay) expect(there.has(offset), `offset ${offset} of key ${key}`).toBe(true);
    }

    // What the kill interrupted is done by the next run: only the newest are left, and what was deleted stays deleted.
    await maintainAll(broker, 3000);
    const cleaned = await readAll(broker, 'compacted');
    for (const { message, offset } of cleaned.messages) {
      if (message.key === null || offset >= cleaned.end - BATCH_MESSAGES) continue;
      expect(newest.get(message.key), `offset ${offset} of key ${message.key}`).toBe(offset);
      expect(message.data).not.toBe('null');
    }
    await broker.close();
  }
  expect(acknowledged[0]).toBeGreaterThan(KILLS * BATCH_MESSAGES);
});
