import { type Finding, isNode, isTestFile, lineOf, parse, type SourceFile, walk } from './sourceFiles.ts';

/**
 * Every numbered rule of docs/spec is named by a test, and every rule that a test names is written down. A rule is
 * declared as `- **TP2** …` and named as `it('[TP2] …')`.
 */

const DECLARED = /^- \*\*([A-Z]{2}\d+)\*\*/gm;
const NAMED = /\[([A-Z]{2}\d+)\]/g;
const TEST_FUNCTIONS = new Set(['it', 'test', 'describe', 'suite', 'bench']);

/** `it` of `it(…)`, `it.each(…)(…)` and `test.describe(…)`. */
const rootOf = (callee: unknown): string | undefined => {
  let node = callee;
  while (isNode(node) && node.type !== 'Identifier') {
    if (node.type === 'CallExpression') node = node.callee;
    else if (node.type === 'MemberExpression') node = node.object;
    else return undefined;
  }
  return isNode(node) ? String(node.name) : undefined;
};

type Mention = { rule: string; line: number };

export const rulesNamedBy = (file: SourceFile): Mention[] => {
  const mentions: Mention[] = [];
  walk(parse(file).program, (node) => {
    if (node.type !== 'CallExpression' || !TEST_FUNCTIONS.has(rootOf(node.callee) ?? '')) return;
    const [name] = node.arguments as unknown[];
    if (!isNode(name) || (name.type !== 'Literal' && name.type !== 'TemplateLiteral')) return;
    const text = file.text.slice(name.start, Number(name.end));
    for (const [, rule = ''] of text.matchAll(NAMED))
      mentions.push({ rule, line: lineOf(file.text, name.start) });
  });
  return mentions;
};

export const specCoverage = (spec: readonly SourceFile[], files: readonly SourceFile[]): Finding[] => {
  const findings: Finding[] = [];
  const declared = new Set<string>();
  const mentions = files
    .filter(({ path }) => isTestFile(path))
    .flatMap((file) => rulesNamedBy(file).map((mention) => ({ ...mention, path: file.path })));
  const named = new Set(mentions.map(({ rule }) => rule));

  for (const { path, text } of spec) {
    for (const match of text.matchAll(DECLARED)) {
      const [, rule = ''] = match;
      const line = lineOf(text, match.index);
      if (declared.has(rule)) findings.push({ path, line, message: `${rule} is declared twice` });
      declared.add(rule);
      if (!named.has(rule))
        findings.push({ path, line, message: `no test names ${rule}: write one, it('[${rule}] …')` });
    }
  }
  for (const { rule, path, line } of mentions) {
    if (!declared.has(rule))
      findings.push({ path, line, message: `${rule} is no rule of docs/spec: write it down there` });
  }
  return findings;
};
