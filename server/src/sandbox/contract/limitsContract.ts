import { describe, expect, it } from 'vitest';
import { badOf, deliveryOf, okOf } from './deliveries.ts';
import type { SandboxUnderTest } from './sandboxUnderTest.ts';

/** What stops code that takes too much, and what that must not touch. Rule DL2. */
export function registerLimits({ load, handleOne }: SandboxUnderTest): void {
  describe('limits', () => {
    it('[DL2] stop an endless loop, keep what was finished before it, and go on afterwards', async () => {
      const invoke = await load(
        `export function handle(event, ctx) { if (event.data.loop) for (;;); ctx.emit('out', event.offset); }`,
        { timeoutMs: 100 },
      );
      const outcomes = await invoke(
        [false, false, true, false].map((loop, index) => deliveryOf({ loop }, index)),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(['ok', 'ok', 'timed-out']);
      expect(badOf(outcomes[2]).error.code).toBe('HANDLER_TIMED_OUT');
      expect(okOf((await invoke([deliveryOf({}, 3)]))[0]).emits[0]?.data).toBe('3');
    });

    it('[DL2] stop an endless chain of promises', async () => {
      const invoke = await load(`export async function handle() { for (;;) await null; }`, {
        timeoutMs: 100,
      });
      expect((await invoke([deliveryOf({})]))[0]?.status).toBe('timed-out');
    });

    it('[DL2] stop a regular expression that backtracks for ever', async () => {
      const invoke = await load(`export function handle() { /(a+)+$/.test('a'.repeat(40) + 'b'); }`, {
        timeoutMs: 100,
      });
      expect((await invoke([deliveryOf({})]))[0]?.status).toBe('timed-out');
    });

    it('[DL2] count per delivery: many that are slow together are in time', async () => {
      const invoke = await load(
        `export function handle(event, ctx) { let x = 0; for (let i = 0; i < 1e7; i++) x += i % 7; ctx.emit('out', x); }`,
        { timeoutMs: 400 },
      );
      const outcomes = await invoke(Array.from({ length: 64 }, (_, index) => deliveryOf({}, index)));
      expect(outcomes.filter(({ status }) => status === 'ok')).toHaveLength(64);
    });

    it.each([
      ['objects', `const all = []; for (;;) all.push({ a: [1, 2, 3] });`],
      ['arrays, in a loop that cannot be interrupted', `const all = []; for (;;) all.push(new Array(1000));`],
      [
        'a Map, which makes V8 end the process',
        `const all = new Map(); for (let i = 0; ; i++) all.set(i, { i });`,
      ],
      ['one long text', `ctx.emit('out', 'x'.repeat(2 ** 28));`],
    ])(
      '[DL2] stop a handler that fills the memory with %s, blaming the right delivery',
      async (_what, body) => {
        const invoke = await load(
          `export function handle(event, ctx) { ctx.emit('out', event.offset); if (event.data.fill) { ${body} } }`,
          { timeoutMs: 30_000 },
        );
        const outcomes = await invoke([false, true, false].map((fill, index) => deliveryOf({ fill }, index)));
        expect(outcomes.map(({ status }) => status)).toEqual(['ok', 'crashed']);
        expect(badOf(outcomes[1]).error).toMatchObject({
          code: 'HANDLER_OUT_OF_MEMORY',
          message: expect.stringContaining('32 MB'),
        });
        expect(okOf((await invoke([deliveryOf({}, 2)]))[0]).emits[0]?.data).toBe('2');
      },
    );

    it.each([
      [`new ArrayBuffer(2 ** 33)`, 'HANDLER_THREW'],
      [`const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1))`, 'HANDLER_THREW'],
      [`const f = () => f() + 1; f()`, 'HANDLER_THREW'],
      [`let s = 'x'; for (;;) s += s`, 'HANDLER_THREW'],
    ])('[DL2] turn into an exception what the language can refuse: %s', async (body, code) => {
      expect(badOf(await handleOne(body)).error.code).toBe(code);
    });

    it('[DL2] start a handler afresh that has filled its memory little by little, and say so', async () => {
      const invoke = await load(
        `const all = [];\nexport function handle(event, ctx) { all.push(new Array(1e5).fill(event.offset)); }`,
      );
      const outcomes = await invoke(Array.from({ length: 120 }, (_, index) => deliveryOf({}, index)));
      expect(outcomes.filter(({ status }) => status === 'ok')).toHaveLength(120);
      expect(outcomes.flatMap(({ logs }) => logs.map(({ message }) => message)).join()).toContain(
        'started afresh',
      );
    });

    it('[DL2] of one handler leave the others alone', async () => {
      const looping = await load(`export function handle() { for (;;); }`, { timeoutMs: 300 });
      const bursting = await load(
        `export function handle() { const all = new Map(); for (let i = 0; ; i++) all.set(i, {}); }`,
        { timeoutMs: 30_000 },
      );
      const steady = await load(`export function handle(event, ctx) { ctx.emit('out', event.offset); }`);
      const pending = Promise.all([looping([deliveryOf({})]), bursting([deliveryOf({})])]);
      for (let index = 0; index < 50; index++)
        expect(okOf((await steady([deliveryOf({}, index)]))[0]).emits).toHaveLength(1);
      const [looped, burst] = await pending;
      expect([looped[0]?.status, burst[0]?.status]).toEqual(['timed-out', 'crashed']);
    });
  });
}
