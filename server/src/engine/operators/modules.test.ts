import { describe, expect, it } from 'vitest';
import { flow } from '../../simulator/testing/flowBuilder.ts';
import { sandboxModuleOf } from './registry.ts';

type Handle = (event: unknown, ctx: { emit(target: string, data: unknown): void }) => void;

/** Runs the module's text as it is; it is our own text around an expression of this test. */
function targetsOf(code: string, event: unknown): string[] {
  const handle = new Function(`${code.replace('export function', 'return function')}`)() as Handle;
  const targets: string[] = [];
  handle(event, { emit: (target) => targets.push(target) });
  return targets;
}

function moduleOf(document: ReturnType<ReturnType<typeof flow>['document']>): string {
  return sandboxModuleOf(document.nodes[0]!)!.code;
}

describe('modules of nodes with expressions', () => {
  it('[HD1] a filter emits where its expression holds, whatever comment ends it', () => {
    const code = moduleOf(
      flow().node('filter', 'f', { expression: 'event.data.amount > 100 // large' }).document(),
    );
    expect(targetsOf(code, { data: { amount: 101 } })).toEqual(['out']);
    expect(targetsOf(code, { data: { amount: 100 } })).toEqual([]);
  });

  it('[HD1] a route emits to the first output whose expression holds, else to otherwise', () => {
    const routes = [
      { port: 'large', when: 'event.data.amount > 100 // over' },
      { port: 'odd', when: 'event.data.amount % 2 === 1' },
    ];
    const code = moduleOf(flow().node('route', 'r', { routes }).document());
    expect(targetsOf(code, { data: { amount: 101 } })).toEqual(['large']);
    expect(targetsOf(code, { data: { amount: 7 } })).toEqual(['odd']);
    expect(targetsOf(code, { data: { amount: 8 } })).toEqual(['otherwise']);
  });

  it('[KD1] a transform emits the value of its expression, whatever comment ends it, with the subject it had', () => {
    const emitted = (config: { expression: string; eventType?: string }, event: unknown): unknown[] => {
      const code = moduleOf(flow().node('transform', 't', config).document());
      const handle = new Function(`${code.replace('export function', 'return function')}`)() as (
        event: unknown,
        ctx: { emit(...args: unknown[]): void },
      ) => void;
      const calls: unknown[] = [];
      handle(event, { emit: (...args) => calls.push(args) });
      return calls;
    };
    const event = { subject: 's', data: { price: 2, count: 3 } };
    const expression = '({ total: event.data.price * event.data.count }) // all';
    expect(emitted({ expression }, event)).toEqual([['out', { total: 6 }, { subject: 's' }]]);
    expect(emitted({ expression, eventType: 'priced' }, { ...event, subject: null })).toEqual([
      ['out', { total: 6 }, { subject: undefined, type: 'priced' }],
    ]);
    expect(emitted({ expression: 'null' }, event)).toEqual([['out', null, { subject: 's' }]]);
    expect(emitted({ expression: 'undefined' }, event)).toEqual([]);
  });

  it('[KD2] the lines of an error of a transform are those of its expression', () => {
    const code = moduleOf(
      flow().node('transform', 't', { expression: '{ ...event.data,\nmore: 1 }' }).document(),
    );
    expect(code.split('\n')[1]).toBe('more: 1 }');
  });

  it('[HD3] an error names the output whose expression threw', () => {
    const routes = [
      { port: 'first', when: 'false' },
      { port: 'second', when: 'event.nothing.here' },
    ];
    const code = moduleOf(flow().node('route', 'r', { routes }).document());
    expect(() => targetsOf(code, {})).toThrow(/^Output second: /);
  });

  it('[HD3] the lines of an error are those of the expression', () => {
    const code = moduleOf(
      flow().node('filter', 'f', { expression: 'true &&\nevent.nothing.here' }).document(),
    );
    expect(code.split('\n')[1]).toBe('event.nothing.here');
  });
});
