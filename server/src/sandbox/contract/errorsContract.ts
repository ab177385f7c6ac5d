import { describe, expect, it } from 'vitest';
import { badOf, deliveryOf, okOf } from './deliveries.ts';
import type { SandboxUnderTest } from './sandboxUnderTest.ts';

/** How code fails, at once or later. Rules HD3 and DL2, and HD2 for what comes too late. */
export function registerErrors({ load, handleOne }: SandboxUnderTest): void {
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
      expect(outcomes.map((outcome) => okOf(outcome).emits.map(({ data }) => data))).toEqual([['0'], ['1']]);
      expect(okOf(outcomes[1]).logs[0]?.message).toContain('await what the handler starts');
    });
  });
}
