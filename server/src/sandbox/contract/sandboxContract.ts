import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttemptOutcome, Delivery } from '../../engine/io.ts';
import type { Sandbox } from '../sandbox.ts';
import { badOf, deliveryOf, invocationOf, NOW_MS, okOf } from './deliveries.ts';
import { registerLimits } from './limitsContract.ts';
import { registerOverlap } from './overlapContract.ts';

/** What every sandbox must do. Rules HD1 to HD3 of the spec, and DL2 where a limit stops the code. */
export function registerSandboxContract(name: string, create: () => Sandbox): void {
  describe(`${name} keeps the contract of a sandbox`, () => {
    let sandbox: Sandbox;
    let nodes = 0;
    beforeAll(() => {
      sandbox = create();
    });
    afterAll(() => sandbox.close());

    const load = async (code: string, limits: { timeoutMs?: number; memoryMb?: number } = {}) => {
      const node = `node:test-${++nodes}`;
      await sandbox.load({
        node,
        code,
        timeoutMs: 1000,
        memoryMb: 32,
        topicNames: { 'node:topic': 'orders' },
        ...limits,
      });
      return (deliveries: Delivery[], state = {}, goesOn = false): Promise<AttemptOutcome[]> =>
        sandbox.invoke(invocationOf(node, deliveries, state, goesOn), NOW_MS);
    };
    const handleOne = async (body: string, data: unknown = {}): Promise<AttemptOutcome | undefined> => {
      const invoke = await load(`export function handle(event, ctx) {\n${body}\n}`);
      return (await invoke([deliveryOf(data)]))[0];
    };
    const emitted = async (body: string, data: unknown = {}): Promise<unknown> =>
      JSON.parse(okOf(await handleOne(body, data)).emits[0]?.data ?? 'null');

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

    describe('effects', () => {
      it('[HD2] leave only when the attempt succeeds; log lines stay', async () => {
        const outcome = badOf(
          await handleOne(
            `ctx.emit('out', 1); ctx.state.set('a', 1); ctx.log('here'); throw new Error('no');`,
          ),
        );
        expect(outcome).not.toHaveProperty('emits');
        expect(outcome.logs).toEqual([{ level: 'info', message: 'here' }]);
      });

      it('[HD2] of state are seen by the next delivery of the same scope, not by another', async () => {
        const invoke = await load(
          `export function handle(event, ctx) { const n = (ctx.state.get('n') ?? 0) + 1; ctx.state.set('n', n); ctx.emit('out', n); }`,
        );
        const scopes = ['a', 'b', 'a', 'a', '__proto__'];
        const outcomes = await invoke(
          scopes.map((scope, index) => deliveryOf({}, index, { scope })),
          { a: { n: '10' } },
        );
        expect(outcomes.map((outcome) => okOf(outcome).emits[0]?.data)).toEqual(['11', '1', '12', '13', '1']);
      });

      it('[HD2] of a failed delivery are not seen by the next invocation, and the batch ends there', async () => {
        const invoke = await load(
          `export function handle(event, ctx) { const s = ctx.state.get('s') ?? []; s.push(event.offset); if (event.offset === 1) throw new Error('x'); ctx.state.set('s', s); }`,
        );
        const outcomes = await invoke([0, 1, 2].map((index) => deliveryOf({}, index)));
        expect(outcomes.map(({ status }) => status)).toEqual(['ok', 'failed']);
        expect(okOf(outcomes[0]).state).toEqual([{ name: 's', value: '[0]' }]);
      });

      it.each(['', 'async '])(
        '[DL8] [HD2] of a failed delivery are not seen by those behind it where the batch goes on (%sfunction)',
        async (prefix) => {
          const invoke = await load(
            `export ${prefix}function handle(event, ctx) {
              const seen = ctx.state.get('seen') ?? [];
              ctx.state.set('seen', [...seen, event.data.n]);
              if (event.data.n % 2 === 1) throw new Error('odd ' + event.data.n);
              ctx.emit('out', seen);
            }`,
          );
          const deliveries = [1, 2, 3, 4, 5].map((n, index) => deliveryOf({ n }, index));
          const outcomes = await invoke(deliveries, {}, true);
          expect(outcomes.map(({ status }) => status)).toEqual(['failed', 'ok', 'failed', 'ok', 'failed']);
          expect(badOf(outcomes[2]).error).toMatchObject({
            code: 'HANDLER_THREW',
            message: expect.stringContaining('odd 3'),
          });
          expect(okOf(outcomes[3]).emits[0]?.data).toBe('[2]');
        },
      );

      it('[DL2] [DL8] end the batch at an attempt that was stopped, also where the batch goes on', async () => {
        const invoke = await load(
          `export function handle(event) { if (event.data.n === 2) for (;;); throw new Error('no'); }`,
          { timeoutMs: 100 },
        );
        const deliveries = [1, 2, 3].map((n, index) => deliveryOf({ n }, index));
        const outcomes = await invoke(deliveries, {}, true);
        expect(outcomes.map(({ status }) => status)).toEqual(['failed', 'timed-out']);
      });

      it('[HD2] that JSON cannot hold are refused with the place in the value', async () => {
        expect(badOf(await handleOne(`ctx.emit('out', undefined)`)).error.message).toContain(
          'data is undefined',
        );
        expect(badOf(await handleOne(`ctx.emit('out', () => 1)`)).error.message).toContain(
          'data is a function',
        );
        expect(badOf(await handleOne(`ctx.emit('out', { a: [1, { b: 2n }] })`)).error.message).toContain(
          'data.a[1].b is a BigInt',
        );
        expect(
          badOf(await handleOne(`const a = {}; a.self = a; ctx.emit('out', a)`)).error.message,
        ).toContain('data.self refers back');
        expect(badOf(await handleOne(`ctx.state.set('s', undefined)`)).error.message).toContain(
          's is undefined',
        );
      });

      it('[HD2] beyond the limits fail the attempt with the limit', async () => {
        expect(badOf(await handleOne(`for (;;) ctx.emit('out', 1)`)).error.code).toBe('EMIT_LIMIT_REACHED');
        expect(
          badOf(await handleOne(`const s = 'x'.repeat(1e6); for (;;) ctx.emit('out', s)`)).error.code,
        ).toBe('EMIT_LIMIT_REACHED');
        expect(badOf(await handleOne(`for (;;) ctx.schedule(1, null)`)).error.code).toBe(
          'EMIT_LIMIT_REACHED',
        );
        expect(badOf(await handleOne(`ctx.state.set('s', 'x'.repeat(2e6))`)).error.code).toBe(
          'STATE_LIMIT_REACHED',
        );
        expect(badOf(await handleOne(`for (let i = 0; ; i++) ctx.state.set('s' + i, 1)`)).error.code).toBe(
          'STATE_LIMIT_REACHED',
        );
      });

      it('[HD2] after a limit was reached do not leave, even if the code catches the exception', async () => {
        expect(badOf(await handleOne(`try { for (;;) ctx.emit('out', 1) } catch {}`)).error.code).toBe(
          'EMIT_LIMIT_REACHED',
        );
      });
    });

    describe('errors', () => {
      it('[HD3] name line and column of the source, and show its frames only', async () => {
        const invoke = await load(
          `type T = { a: number };\nfunction inner(x: any) {\n  return x.y.z;\n}\nexport function handle(event: T, ctx) {\n  inner({});\n}`,
        );
        const { error } = badOf((await invoke([deliveryOf({})]))[0]);
        expect(error.code).toBe('HANDLER_THREW');
        expect(error.message).toBe(
          `TypeError: Cannot read properties of undefined (reading 'z') (handler.ts:3:14)`,
        );
        expect(error.stack?.split('\n').slice(1)).toEqual([
          '    at inner (handler.ts:3:14)',
          '    at handle (handler.ts:6:3)',
        ]);
      });

      it('[HD3] carry the code of ctx.fail, even when the code catches it', async () => {
        const { error } = badOf(await handleOne(`try { ctx.fail('card-declined', 'no cover') } catch {}`));
        expect(error.code).toBe('HANDLER_FAILED');
        expect(error.message).toBe('card-declined: no cover (handler.ts:2:11)');
      });

      it.each([
        ['a syntax error', `export function handle(event, ctx) {\n  let y: = 4;\n}`, 2, 10],
        ['a second declaration', `export function handle(event, ctx) {\n  let y = 4; let y = 5;\n}`, 2, 18],
        ['a missing bracket', `export function handle(event, ctx) {\n  if (event.data`, 2, 17],
        ['an import', `import fs from 'node:fs';\nexport function handle() {}`, 1, 16],
        ['an enum', `\nenum Color { Red }\nexport function handle() {}`, 2, 1],
        ['a throwing top level', `const a = null;\na.b;\nexport function handle() {}`, 2, 3],
        ['the time at the top level', `export const t = Date.now();\nexport function handle() {}`, 1, 23],
      ])('[HD3] of loading say where: %s', async (_what, code, line, column) => {
        await expect(load(code)).rejects.toMatchObject({
          code: 'HANDLER_COMPILE_FAILED',
          details: { line, column, excerpt: expect.stringContaining('^') },
        });
      });

      it('[HD3] count lines from where the person’s text begins', async () => {
        const node = 'node:offset';
        const code = `export function handle(event, ctx) {\nreturn (\nevent.data.missing.field\n);\n}`;
        await sandbox.load({ node, code, lineOffset: 2, timeoutMs: 1000, memoryMb: 32 });
        const [outcome] = await sandbox.invoke(invocationOf(node, [deliveryOf({})]), NOW_MS);
        expect(badOf(outcome).error.message).toContain('(handler.ts:1:20)');
        await expect(
          sandbox.load({
            node,
            code: `export function handle(event) {\nreturn (\nevent..data\n);\n}`,
            lineOffset: 2,
            timeoutMs: 1000,
            memoryMb: 32,
          }),
        ).rejects.toMatchObject({ details: { line: 1, column: 7 } });
      });

      it('[HD3] of loading say that handle is missing', async () => {
        await expect(load(`export const other = 1;`)).rejects.toThrow(/must export a function named handle/);
      });

      it.each([
        `throw null`,
        `throw undefined`,
        `throw { get message() { throw 1 } }`,
        `throw 'text'`,
        `throw Symbol('s')`,
      ])('[HD3] can be anything: %s', async (statement) => {
        expect(badOf(await handleOne(statement)).error.code).toBe('HANDLER_THREW');
      });
    });

    describe('asynchronous handlers', () => {
      it('[HD1] are waited for, one after the other', async () => {
        const invoke = await load(
          `export async function handle(event, ctx) { await null; ctx.state.set('n', (ctx.state.get('n') ?? 0) + 1); await 1; ctx.emit('out', ctx.state.get('n')); }`,
        );
        const outcomes = await invoke([0, 1, 2].map((index) => deliveryOf({}, index)));
        expect(outcomes.map((outcome) => okOf(outcome).emits[0]?.data)).toEqual(['1', '2', '3']);
      });

      it('[HD3] that reject have failed', async () => {
        const invoke = await load(
          `export async function handle() {\n  await null;\n  throw new Error('late');\n}`,
        );
        expect(badOf((await invoke([deliveryOf({})]))[0]).error.message).toBe('Error: late (handler.ts:3:9)');
      });

      it('[DL2] that wait for nothing time out at once, with a reason', async () => {
        const outcome = badOf(await handleOne(`return new Promise(() => {})`));
        expect(outcome).toMatchObject({ status: 'timed-out', error: { code: 'HANDLER_TIMED_OUT' } });
        expect(outcome.error.message).toContain('never settle');
      });

      it('[HD2] cannot slip effects into a later delivery, and are told about it', async () => {
        const invoke = await load(
          `export function handle(event, ctx) { (async () => { await 1; ctx.emit('out', 'late'); })(); ctx.emit('out', event.offset); }`,
        );
        const outcomes = await invoke([deliveryOf({}, 0), deliveryOf({}, 1)]);
        expect(outcomes.map((outcome) => okOf(outcome).emits.map(({ data }) => data))).toEqual([
          ['0'],
          ['1'],
        ]);
        expect(okOf(outcomes[1]).logs[0]?.message).toContain('await what the handler starts');
      });
    });

    registerLimits({ load, handleOne });
    registerOverlap({ load, handleOne });

    it('handles batches of large payloads in a small heap', async () => {
      const invoke = await load(
        `export function handle(event, ctx) { ctx.emit('out', event.data.text.length); }`,
        { memoryMb: 16 },
      );
      const outcomes = await invoke(
        Array.from({ length: 40 }, (_, index) => deliveryOf({ text: 'x'.repeat(900_000) }, index)),
      );
      expect(outcomes.map((outcome) => okOf(outcome).emits[0]?.data)).toEqual(Array(40).fill('900000'));
    });

    it('replaces a module that is loaded again', async () => {
      const node = 'node:replaced';
      for (const version of [1, 2]) {
        await sandbox.load({
          node,
          code: `export const handle = (event, ctx) => ctx.emit('out', ${version});`,
          timeoutMs: 1000,
          memoryMb: 32,
        });
        const [outcome] = await sandbox.invoke(invocationOf(node, [deliveryOf({})]), NOW_MS);
        expect(okOf(outcome).emits[0]?.data).toBe(String(version));
      }
    });

    it('stops what runs when it is closed, any number of times, and refuses more', async () => {
      const own = create();
      const node = 'node:closing';
      await own.load({
        node,
        code: `export function handle() { for (;;); }`,
        timeoutMs: 60_000,
        memoryMb: 32,
      });
      const running = own.invoke(invocationOf(node, [deliveryOf({})]), NOW_MS);
      const refused = expect(running).rejects.toMatchObject({ code: 'RUN_NOT_ACTIVE' });
      await own.close();
      await own.close();
      await refused;
      await expect(own.invoke(invocationOf(node, [deliveryOf({})]), NOW_MS)).rejects.toMatchObject({
        code: 'RUN_NOT_ACTIVE',
      });
    });
  });
}
