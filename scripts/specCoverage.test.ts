import { describe, expect, it } from 'vitest';
import { readSourceFiles, readSpecFiles } from './sourceFiles.ts';
import { rulesNamedBy, specCoverage } from './specCoverage.ts';

// Put together, so that this file names no rule by itself.
const named = (rule: string): string => `[${rule}]`;
const spec = [{ path: 'docs/spec/a.md', text: '# A\n\n- **ZZ1** One, see ZZ2.\n- **ZZ2** Two.\n' }];

const testFile = (text: string, path = 'server/src/a.test.ts') => ({ path, text });

describe('the spec and its tests', () => {
  it('agree when every rule is named by a test', () => {
    const text = `it('${named('ZZ1')} ${named('ZZ2')} holds', () => {});`;
    expect(specCoverage(spec, [testFile(text)])).toEqual([]);
  });

  it('disagree about a rule that no test names, one that is nowhere written down and one declared twice', () => {
    const files = [testFile(`\nit('${named('ZZ1')} and ${named('ZZ3')}', () => {});`)];
    expect(specCoverage(spec, files)).toEqual([
      { path: 'docs/spec/a.md', line: 4, message: `no test names ZZ2: write one, it('${named('ZZ2')} …')` },
      {
        path: 'server/src/a.test.ts',
        line: 2,
        message: 'ZZ3 is no rule of docs/spec: write it down there',
      },
    ]);
    const messages = specCoverage([...spec, ...spec], files).map(({ message }) => message);
    expect(messages).toContain('ZZ1 is declared twice');
  });

  it('count the names of tests only: no comment, no other string, no file of the product', () => {
    const text = `// ${named('ZZ1')}\nconst a = '${named('ZZ1')}';\nexpect('${named('ZZ1')}').toBe(a);`;
    expect(rulesNamedBy(testFile(text))).toEqual([]);
    const product = testFile(`it('${named('ZZ1')} ${named('ZZ2')}')`, 'server/src/a.ts');
    expect(specCoverage(spec, [product])).toHaveLength(2);
  });

  it.each(['it(%)', 'it.each([1])(%)', 'test.describe(%)', 'describe.skipIf(true)(%)'])(
    'find the name in %s',
    (call) => {
      const text = call.replace('%', `\`${named('ZZ1')} \${'here'}\``);
      expect(rulesNamedBy(testFile(text))).toEqual([{ rule: 'ZZ1', line: 1 }]);
    },
  );

  it('reads the rules and tests of the project', () => {
    const rules = readSpecFiles().flatMap(({ text }) => [...text.matchAll(/^- \*\*/gm)]);
    expect(rules.length).toBeGreaterThan(20);
    expect(readSourceFiles().flatMap(rulesNamedByIfTest).length).toBeGreaterThan(rules.length);
  });
});

const rulesNamedByIfTest = (file: { path: string; text: string }) =>
  file.path.endsWith('.test.ts') ? rulesNamedBy(file) : [];
