import { describe, expect, it } from 'vitest';
import { tidy } from './tidy.ts';
import { LINES_MAX, LINES_WARNED_ABOVE } from './tidyRules.ts';

const messagesFor = (path: string, text: string): string[] =>
  tidy([{ path, text }]).findings.map((finding) => finding.message);

describe('tidy', () => {
  it.each([
    'Date.now()',
    'new Date()',
    'Date()',
    'performance.now()',
    'setTimeout(f, 1)',
    'setInterval(f, 1)',
    'setImmediate(f)',
    'queueMicrotask(f)',
    'Math.random()',
    'crypto.randomUUID()',
    'process.env',
    '[1].map(Math.random)',
    'globalThis.setTimeout(f)',
  ])('refuses %s in every pure folder and names what to write instead', (expression) => {
    const text = `declare const f: () => void;\nexport const a = () => ${expression};`;
    const folders = [
      'shared/src/util/',
      'server/src/engine/',
      'server/src/simulator/',
      'server/src/brokers/memory/',
    ];
    for (const folder of folders) {
      const messages = messagesFor(`${folder}a.ts`, text);
      expect(messages).toHaveLength(1);
      expect(messages[0]).toMatch(/^[\w .()]+: \S+/);
    }
    expect(messagesFor('server/src/live/a.ts', text)).toEqual([]);
    expect(messagesFor('server/src/engine/a.test.ts', text)).toEqual([]);
  });

  it.each([
    'export const a = (at: number) => new Date(at).toISOString();',
    'export const a = { process: 1, setTimeout: 2 };',
    'export const a = (options: { process: number }) => options.process;',
    'export const process = (m: string) => m;\nexport const a = process("x");',
    '// Date.now() and Math.random() are banned here.\nexport const a = "setTimeout(";',
  ])('accepts in a pure folder: %s', (text) => {
    expect(messagesFor('shared/src/util/a.ts', text)).toEqual([]);
  });

  it.each([
    'export const a = async () => 1;',
    'export async function a() {}',
    'export const a = Promise.resolve(1);',
    'export type A = Promise<number>;',
  ])('refuses in the engine: %s', (text) => {
    expect(messagesFor('server/src/engine/runtime/a.ts', text)).toHaveLength(1);
    expect(messagesFor('server/src/simulator/a.ts', text)).toEqual([]);
  });

  it.each([
    ['server/src/live/a.test.ts', 'it.only("x", () => {});'],
    ['server/src/live/a.test.ts', 'describe.skip.only("x", () => {});'],
    ['e2e/specs/a.spec.ts', 'const a = (page: Page) => page.waitForTimeout(100);'],
    ['web/src/app/a.ts', 'export const a = JSON.parse("1") as any;'],
    ['web/src/app/a.ts', '// TODO later\nexport const a = 1;'],
    ['web/src/app/a.ts', '/* FIXME */ export const a = 1;'],
  ])('refuses in %s: %s', (path, text) => {
    expect(messagesFor(path, text)).toHaveLength(1);
  });

  it('warns about a long file and refuses a very long one, tests aside', () => {
    const linesOf = (lines: number) => 'export {};\n'.repeat(lines);
    const at = (path: string, lines: number) => tidy([{ path, text: linesOf(lines) }]);
    expect(at('web/src/app/a.ts', LINES_WARNED_ABOVE)).toEqual({ findings: [], warnings: [] });
    expect(at('web/src/app/a.ts', LINES_WARNED_ABOVE + 1).warnings).toHaveLength(1);
    expect(at('web/src/app/a.ts', LINES_MAX + 1).findings).toHaveLength(1);
    expect(at('web/src/app/a.test.ts', LINES_MAX + 1)).toEqual({ findings: [], warnings: [] });
  });
});
