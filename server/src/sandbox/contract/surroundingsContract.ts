import { describe, expect, it } from 'vitest';
import { badOf, deliveryOf, NOW_MS, okOf } from './deliveries.ts';
import type { SandboxUnderTest } from './sandboxUnderTest.ts';

type Surroundings = SandboxUnderTest & {
  /** What a handler with this body emits first, parsed. */
  emitted(body: string, data?: unknown): Promise<unknown>;
};

/** What there is around the code, and what is not. Rule HD1. */
export function registerSurroundings({ load, handleOne, emitted }: Surroundings): void {
  describe('what the code sees', () => {
    it('[HD1] gives the event with everything about the message', async () => {
      expect(await emitted(`ctx.emit('out', event)`, { amount: 3 })).toEqual({
        id: 'message-0',
        type: 'test.happened',
        source: 'node:source',
        time: '2026-01-01T00:00:00.000Z',
        timeMs: Date.UTC(2026, 0, 1),
        subject: null,
        key: 'key-0',
        topic: 'orders',
        partition: 2,
        offset: 0,
        attempt: 1,
        correlationId: 'correlation',
        causationId: null,
        timer: false,
        data: { amount: 3 },
      });
    });

    it('[HD1] emits, stores and schedules JSON, with key, type and subject where given', async () => {
      const outcome = okOf(
        await handleOne(`
          ctx.emit('orders', { a: 'ü€😀' }, { key: 'k', type: 't', subject: 's' });
          ctx.emit('out', null, { key: null });
          ctx.state.set('seen', [1, 2]);
          ctx.state.delete('old');
          ctx.schedule(1500, { remind: true });`),
      );
      expect(outcome.emits).toEqual([
        { target: 'orders', data: '{"a":"ü€😀"}', key: 'k', type: 't', subject: 's' },
        { target: 'out', data: 'null', key: null },
      ]);
      expect(outcome.state).toEqual([
        { name: 'seen', value: '[1,2]' },
        { name: 'old', value: null },
      ]);
      expect(outcome.timers).toEqual([{ delayMs: 1500, data: '{"remind":true}' }]);
    });

    it('[HD1] has no clock of its own: every way to the time tells that of the delivery', async () => {
      const times = await emitted(
        `ctx.emit('out', [ctx.now(), Date.now(), +new Date(), Date.parse(Date())])`,
      );
      expect(times).toEqual([NOW_MS, NOW_MS, NOW_MS, Math.floor(NOW_MS / 1000) * 1000]);
      expect(await emitted(`ctx.emit('out', new Date(0).constructor.now())`)).toBe(NOW_MS);
      expect(
        await emitted(
          `ctx.emit('out', [new Date(2026, 0, 1).toISOString(), new Date().getTimezoneOffset()])`,
        ),
      ).toEqual(['2026-01-01T00:00:00.000Z', 0]);
    });

    it('[HD1] draws the same again for the same attempt, other numbers but the same ids for a retry, others for another message', async () => {
      const invoke = await load(
        `export const handle = (event, ctx) => ctx.emit('out', [ctx.random(), Math.random(), ctx.uuid()]);`,
      );
      const first = okOf((await invoke([deliveryOf({}, 1)]))[0]).emits;
      const again = okOf((await invoke([deliveryOf({}, 1)]))[0]).emits;
      const retry = okOf((await invoke([deliveryOf({}, 1, { attempt: 2 })]))[0]).emits;
      const other = okOf((await invoke([deliveryOf({}, 2)]))[0]).emits;
      expect(again).toEqual(first);
      const [[random, mathRandom, uuid], [retryRandom, retryMathRandom, retryUuid]] = [first, retry].map(
        (emits) => JSON.parse(emits[0]?.data ?? '[]'),
      );
      expect([retryRandom, retryMathRandom]).not.toEqual([random, mathRandom]);
      expect(retryUuid).toBe(uuid);
      expect(other).not.toEqual(first);
    });

    it('[HD1] shows nothing of the host', async () => {
      const names = [
        'process',
        'require',
        'module',
        'fetch',
        'setTimeout',
        'setInterval',
        'queueMicrotask',
        'Buffer',
        'performance',
        'WebAssembly',
        'SharedArrayBuffer',
        'Atomics',
        'WeakRef',
        'FinalizationRegistry',
        'Temporal',
      ];
      expect(
        await emitted(`ctx.emit('out', ${JSON.stringify(names)}.filter((name) => name in globalThis))`),
      ).toEqual([]);
      expect(await emitted(`ctx.emit('out', typeof Intl.DateTimeFormat)`)).toBe('undefined');
    });

    it.each([
      `ctx.emit.constructor.constructor('return process')()`,
      `this.constructor.constructor('return process')()`,
      `(function () {}).constructor('return process.env')()`,
      `ctx.state.get.constructor('return require("fs")')()`,
      `Error.prepareStackTrace = (error, frames) => frames; new Error().stack[0].getThis().process.pid`,
      `Array.prototype.push = () => 1`,
      `Object.prototype.leak = 1`,
      `JSON.stringify = () => 'null'`,
      `globalThis.leak = 1`,
      `Promise.prototype.then = () => undefined`,
      `eval('import("node:fs")').constructor.prototype.then = 1`,
    ])('[HD1] does not let the code out: %s', async (attempt) => {
      const { status, error } = badOf(await handleOne(attempt));
      expect(status).toBe('failed');
      expect(error.code).toBe('HANDLER_THREW');
    });

    it('[HD1] lets ordinary code assign what frozen prototypes would forbid', async () => {
      const outcome = badOf(
        await handleOne(`
          class Declined extends Error { constructor(reason) { super(reason); this.name = 'Declined'; } }
          const named = {}; named.toString = () => 'x'; named.constructor = 1;
          throw new Declined('no cover');`),
      );
      expect(outcome.error.message).toContain('Declined: no cover');
    });

    it('[HD1] takes TypeScript, and every way to export handle', async () => {
      const codes = [
        `type Order = { id: string };\nexport function handle(event: { data: Order }, ctx: any): void { ctx.emit('out', event.data!.id as string); }`,
        `export const handle = (event, ctx) => { ctx.emit('out', event.data.id); };`,
        `export default function (event, ctx) { ctx.emit('out', event.data.id); }`,
        `const own = (event, ctx) => ctx.emit('out', event.data.id);\nexport { own as handle };`,
      ];
      for (const code of codes) {
        const invoke = await load(code);
        expect(okOf((await invoke([deliveryOf({ id: 'a' })]))[0]).emits[0]?.data).toBe('"a"');
      }
    });

    it('[HD1] keeps log lines in order with their levels, and counts what is too much', async () => {
      const outcome = okOf(
        await handleOne(`
          ctx.log('one', { a: 1 }, 2n); ctx.log.warn('two'); console.error('three');
          for (let i = 0; i < 200; i++) ctx.log.debug(i);`),
      );
      expect(outcome.logs.slice(0, 3)).toEqual([
        { level: 'info', message: 'one {"a":1} 2n' },
        { level: 'warn', message: 'two' },
        { level: 'error', message: 'three' },
      ]);
      expect(outcome.logs.at(-1)).toEqual({
        level: 'warn',
        message: '103 more log lines of this attempt were left out.',
      });
    });
  });
}
