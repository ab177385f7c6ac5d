import { describe, expect, it } from 'vitest';
import { badOf, deliveryOf, okOf } from './deliveries.ts';
import type { SandboxUnderTest } from './sandboxUnderTest.ts';

/** Invocations of one node that are asked for before the last has ended: partitions of a consumer ask side by side. */
export function registerOverlap({ load }: SandboxUnderTest): void {
  describe('invocations that overlap', () => {
    const batchOf = (name: string, marks: boolean[]) =>
      marks.map((mark, index) => deliveryOf({ name: `${name}${index}`, mark }, index, { scope: name }));
    const statusesOf = (outcomes: { status: string }[]): string[] => outcomes.map(({ status }) => status);
    const NAMES = ['a', 'b', 'c', 'd'];

    it('[HD1] are handled in the order in which they were asked for, one at a time', async () => {
      const invoke = await load(
        `const seen = []; let under = 0;
        export async function handle(event, ctx) {
          if (++under > 1) throw new Error('two at once');
          seen.push(event.data.name); await null; await 1; under--;
          ctx.emit('out', seen.join());
        }`,
      );
      const all = await Promise.all(NAMES.map((name) => invoke(batchOf(name, [false, false]))));
      const emitted = all.flat().map((outcome) => JSON.parse(okOf(outcome).emits[0]?.data ?? '') as string);
      expect(emitted.at(-1)).toBe('a0,a1,b0,b1,c0,c1,d0,d1');
      expect(emitted.map((text) => text.split(',').length)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it('[HD2] see only the state that was handed to each of them, and their own writes', async () => {
      const invoke = await load(
        `export function handle(event, ctx) { const n = (ctx.state.get('n') ?? 0) + 1; ctx.state.set('n', n); ctx.emit('out', n); }`,
      );
      const all = await Promise.all(
        NAMES.map((name, index) => invoke(batchOf(name, [false, false]), { [name]: { n: `${index * 10}` } })),
      );
      expect(all.flat().map((outcome) => okOf(outcome).emits[0]?.data)).toEqual([
        '1',
        '2',
        '11',
        '12',
        '21',
        '22',
        '31',
        '32',
      ]);
    });

    it.each([
      ['loops', `for (;;);`, 'timed-out', 100],
      ['never settles', `return new Promise(() => {});`, 'timed-out', 1000],
      ['throws', `throw new Error('no');`, 'failed', 1000],
      ['fills its heap', `const all = []; for (;;) all.push({ a: [1, 2, 3] });`, 'crashed', 30_000],
      [
        'ends its process',
        `const all = new Map(); for (let i = 0; ; i++) all.set(i, { i });`,
        'crashed',
        30_000,
      ],
    ])('[DL2] blame the delivery that %s, and hand on all others', async (_what, bad, status, timeoutMs) => {
      const invoke = await load(
        `export function handle(event, ctx) { ctx.emit('out', event.data.name); if (event.data.mark) { ${bad} } }`,
        { timeoutMs },
      );
      const [a = [], b = [], c = [], d = []] = await Promise.all([
        invoke(batchOf('a', [false, false, false])),
        invoke(batchOf('b', [false, true, false])),
        invoke(batchOf('c', [false, false, false])),
        invoke(batchOf('d', [true])),
      ]);
      expect([a, b, c, d].map(statusesOf)).toEqual([
        ['ok', 'ok', 'ok'],
        ['ok', status],
        ['ok', 'ok', 'ok'],
        [status],
      ]);
      expect(badOf(b[1]).error.code).toBe(badOf(d[0]).error.code);
      expect([...a, ...b.slice(0, 1), ...c].map((outcome) => okOf(outcome).emits[0]?.data)).toEqual(
        ['a0', 'a1', 'a2', 'b0', 'c0', 'c1', 'c2'].map((name) => `"${name}"`),
      );
    });
  });
}
