import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttemptOutcome, Delivery } from '../../engine/io.ts';
import type { Sandbox } from '../sandbox.ts';
import { badOf, deliveryOf, invocationOf, NOW_MS, okOf } from './deliveries.ts';
import { registerErrors } from './errorsContract.ts';
import { registerLimits } from './limitsContract.ts';
import { registerOverlap } from './overlapContract.ts';
import { registerSurroundings } from './surroundingsContract.ts';

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

    registerSurroundings({ load, handleOne, emitted });
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

    registerErrors({ load, handleOne });
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

    it('[HD3] counts lines from where the person’s text begins', async () => {
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
