import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deliveryOf, invocationOf } from '../../sandbox/contract/deliveries.ts';
import { testNode } from '../testNodes.ts';
import { createSink } from './registry.ts';
import type { Sink, SinkEnvironment } from './sink.ts';

let folder: string;
const opened: Sink[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-sink-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((sink) => sink.close()));
  await rm(folder, { recursive: true });
});

const env = (): SinkEnvironment => ({ folder, connected: new Set(), variables: {} });

async function open(node = testNode('file', { path: 'out.jsonl', content: 'data' })): Promise<Sink> {
  const sink = await createSink(node, env());
  if (!sink) throw new Error('a file is a sink');
  opened.push(sink);
  return sink;
}

const lines = async (): Promise<string[]> =>
  (await readFile(path.join(folder, 'out.jsonl'), 'utf8')).split('\n');
const write = (sink: Sink, ...payloads: unknown[]) =>
  sink.invoke(
    invocationOf(
      'node:file',
      payloads.map((data, index) => deliveryOf(data, index)),
    ),
    0,
  );

describe('a file sink', () => {
  it('appends payloads, one on each line, whatever line breaks they hold', async () => {
    const sink = await open();
    expect((await write(sink, { a: 1 }, { b: 'x\ny' })).map(({ status }) => status)).toEqual(['ok', 'ok']);
    const spread = deliveryOf({});
    spread.message.data = '{\n  "big": 12345678901234567890\r\n}';
    await sink.invoke(invocationOf('node:file', [spread]), 0);
    expect(await lines()).toEqual(['{"a":1}', '{"b":"x\\ny"}', '{   "big": 12345678901234567890 }', '']);
  });

  it('[MS1] appends CloudEvents with their offset', async () => {
    const sink = await open(testNode('file', { path: 'out.jsonl', content: 'cloudevents' }));
    await write(sink, { a: 1 });
    expect(JSON.parse((await lines())[0] ?? '')).toMatchObject({
      specversion: '1.0',
      id: 'message-0',
      type: 'test.happened',
      partitionkey: 'key-0',
      sequence: '0'.repeat(20),
      data: { a: 1 },
    });
  });

  it('[RN3] goes on in the file after a crash, and cuts off the line that it left unfinished', async () => {
    await writeFile(path.join(folder, 'out.jsonl'), `{"a":1}\n{"a":2}\n{"a":"${'x'.repeat(200_000)}`);
    await write(await open(), { a: 3 });
    expect(await lines()).toEqual(['{"a":1}', '{"a":2}', '{"a":3}', '']);
  });

  it('[RN3] cuts off a file that is nothing but an unfinished line', async () => {
    await writeFile(path.join(folder, 'out.jsonl'), 'x'.repeat(70_000));
    await write(await open(), { a: 3 });
    expect(await lines()).toEqual(['{"a":3}', '']);
  });

  it('writes blocks of invocations that run side by side one after the other', async () => {
    const sink = await open();
    await Promise.all(Array.from({ length: 20 }, (_, n) => write(sink, { n, part: 1 }, { n, part: 2 })));
    const parts = (await lines()).slice(0, -1).map((line) => JSON.parse(line) as { part: number });
    expect(parts.map(({ part }) => part)).toEqual(Array.from({ length: 40 }, (_, index) => (index % 2) + 1));
  });

  it('[DL2] answers a full disk as a failed attempt of the first message', async () => {
    await symlink('/dev/full', path.join(folder, 'out.jsonl'));
    const sink = await open().catch((error: unknown) => error);
    if (sink instanceof Error) {
      expect(sink).toMatchObject({ code: 'SINK_FAILED' });
      return;
    }
    const outcomes = await write(sink as Sink, { a: 1 }, { a: 2 });
    expect(outcomes).toHaveLength(1);
    expect(outcomes[0]).toMatchObject({
      status: 'failed',
      error: { code: 'SINK_FAILED', message: expect.stringContaining('disk is full') },
    });
  });

  it('refuses a second node that writes the same file, until the first is closed', async () => {
    const sink = await open();
    await expect(open()).rejects.toMatchObject({ code: 'SINK_FAILED' });
    await sink.close();
    await sink.close();
    await write(await open(), { a: 1 });
  });

  it('says what is wrong with a file that cannot be opened', async () => {
    const node = testNode('file', { path: 'out.jsonl' });
    await expect(createSink(node, { ...env(), folder: path.join(folder, 'missing') })).rejects.toMatchObject({
      code: 'SINK_FAILED',
    });
  });
});

describe('a log sink', () => {
  it('says type, key and the beginning of the payload', async () => {
    const sink = await createSink(testNode('log', { level: 'warn' }), env());
    const [outcome] =
      (await sink?.invoke(invocationOf('node:log', [deliveryOf({ a: 'x'.repeat(1000) })]), 0)) ?? [];
    expect(outcome?.logs[0]?.level).toBe('warn');
    expect(outcome?.logs[0]?.message).toMatch(/^test\.happened \[key-0\] \{"a":"x{494}…$/);
  });
});

it('has no sinks for other kinds', async () => {
  expect(await createSink(testNode('handler'), env())).toBeNull();
});
