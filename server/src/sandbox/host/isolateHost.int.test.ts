import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { deliveryOf } from '../contract/deliveries.ts';
import { encodeCall } from '../wireCodec.ts';
import { CallEnded, IsolateHost } from './isolateHost.ts';

const GONE_MS_MAX = 20_000;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  const giveUpAt = performance.now() + GONE_MS_MAX;
  while (isAlive(pid)) {
    if (performance.now() > giveUpAt)
      throw new Error(`Process ${pid} is still there after ${GONE_MS_MAX} ms`);
    await delay(20);
  }
}

const inputOf = (data: unknown): string => encodeCall([deliveryOf(data)], new Map(), 1, 0, false, {});
const moduleOf = (code: string) => ({ node: 'node:test', code, timeoutMs: 60_000, memoryMb: 32 });

describe('the process of the isolates', () => {
  const hosts: IsolateHost[] = [];
  const newHost = (): IsolateHost => {
    const host = new IsolateHost();
    hosts.push(host);
    return host;
  };
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.close()));
  });

  it('ends when its parent is killed, whatever runs in it', async () => {
    const parent = fork(fileURLToPath(new URL('./endlessHost.ts', import.meta.url)), [inputOf({})]);
    const [pid] = (await once(parent, 'message')) as [number];
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await untilGone(pid);
  });

  it('is gone once the host is closed', async () => {
    const host = newHost();
    await host.open(moduleOf('export function handle() {}'));
    const { pid } = host;
    await host.close();
    expect([host.pid, isAlive(pid ?? 0)]).toEqual([null, false]);
  });

  it('is started again after it died, and says so of the isolates that were in it', async () => {
    const host = newHost();
    const isolate = await host.open(moduleOf('export function handle() {}'));
    const { pid } = host;
    if (pid === null) throw new Error('an open isolate has a process');
    process.kill(pid, 'SIGKILL');
    await untilGone(pid);
    await expect(isolate.call(inputOf({}))).rejects.toBeInstanceOf(CallEnded);
    expect(isolate.lost).toBe(true);
    const again = await host.open(moduleOf(`export const handle = (event, ctx) => ctx.emit('out', 1);`));
    expect((await again.call(inputOf({}))).output).toContain('"out"');
  });

  it('begins calls into one isolate one after the other, and none after one that was stopped', async () => {
    const host = newHost();
    const isolate = await host.open({
      ...moduleOf(`let before = [];
        export async function handle(event, ctx) {
          const mine = event.data; before.push(mine);
          await null; ctx.emit('out', before); if (mine === 'loop') for (;;);
        }`),
      timeoutMs: 100,
    });
    const calls = ['a', 'b', 'loop', 'c', 'd'].map((data) => isolate.call(inputOf(data)));
    const ended = await Promise.allSettled(calls);
    expect(
      ended.map((call) =>
        call.status === 'fulfilled' ? call.value.output.split('}').at(-1) : call.reason.stop,
      ),
    ).toEqual(['["a"]', '["a","b"]', 'timed-out', 'unbegun', 'unbegun']);
    expect((await isolate.collect()).output).toContain('"unfinished":[]');
  });

  it('outlives all that passes through it, and gives handlers nothing of what that takes', async () => {
    const host = newHost();
    const isolate = await host.open(
      moduleOf(`export const handle = (event, ctx) => ctx.emit('out', [typeof gc, event.data]);`),
    );
    const { pid } = host;
    const input = inputOf('x'.repeat(100_000));
    // Together several times what the process may hold.
    for (let calls = 0; calls < 4000; calls += 4) {
      const answers = await Promise.all(Array.from({ length: 4 }, () => isolate.call(input)));
      if (calls === 0) expect(answers[0]?.output).toContain('["undefined","xxx');
    }
    expect([host.pid, isolate.lost]).toEqual([pid, false]);
  });

  it('blames only the call that was under way when the process ended', async () => {
    const host = newHost();
    const isolate = await host.open(
      moduleOf(
        `export function handle(event) { if (event.data) { const m = new Map(); for (let i = 0; ; i++) m.set(i, {}); } }`,
      ),
    );
    const ended = await Promise.allSettled([false, true, true].map((fill) => isolate.call(inputOf(fill))));
    expect(ended.map((call) => (call.status === 'fulfilled' ? 'done' : call.reason.stop))).toEqual([
      'done',
      'out-of-memory',
      'unbegun',
    ]);
  });

  it('blames the isolate that filled the memory, not one that ran beside it', async () => {
    const host = newHost();
    const busy = await host.open(moduleOf('export function handle() { for (;;); }'));
    const filling = await host.open(
      moduleOf('export function handle() { const m = new Map(); for (let i = 0; ; i++) m.set(i, {}); }'),
    );
    const [busyEnded, fillingEnded] = await Promise.allSettled([
      busy.call(inputOf({})),
      filling.call(inputOf({})),
    ]);
    expect(busyEnded).toMatchObject({ status: 'rejected', reason: { stop: 'bystander' } });
    expect(fillingEnded).toMatchObject({ status: 'rejected', reason: { stop: 'out-of-memory' } });
  });
});
