import {
  type Finding,
  isNode,
  isTestFile,
  lineOf,
  parse,
  printFindings,
  readSourceFiles,
  readSpecFiles,
  type SourceFile,
  type SyntaxNode,
  walk,
} from './sourceFiles.ts';
import { specCoverage } from './specCoverage.ts';
import {
  bannedInPureFolders,
  LINES_MAX,
  LINES_WARNED_ABOVE,
  newDateReplacement,
  pureFolders,
  synchronousFolders,
  synchronousReplacement,
} from './tidyRules.ts';

type Tidied = { findings: Finding[]; warnings: Finding[] };

const TEST_FUNCTIONS = new Set(['it', 'test', 'describe', 'suite', 'bench']);
const OPEN_WORK = /\b(TODO|FIXME|XXX|HACK)\b/;

const isInside = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path.startsWith(folder));

const nameOf = (value: unknown): string | undefined =>
  isNode(value) && value.type === 'Identifier' ? String(value.name) : undefined;

/** A name that only labels something (a key, a member after the dot) is not a use of the global of that name. */
const isLabel = (parent: SyntaxNode | undefined, key: string): boolean =>
  (key === 'property' && parent?.type === 'MemberExpression' && parent.computed !== true) ||
  (key === 'key' && parent?.computed !== true && parent?.shorthand !== true) ||
  (key === 'right' && parent?.type === 'TSQualifiedName') ||
  key === 'label';

const isDeclaration = (parent: SyntaxNode | undefined, key: string): boolean =>
  key === 'params' ||
  key === 'local' ||
  (key === 'id' && /^(VariableDeclarator|Function|Class|TSTypeAlias|TSInterface)/.test(parent?.type ?? '')) ||
  (key === 'value' && parent?.type === 'Property' && parent.shorthand === true);

const declaredNames = (program: SyntaxNode): Set<string> => {
  const names = new Set<string>();
  walk(program, (node, parent, key) => {
    const name = nameOf(node);
    if (name !== undefined && isDeclaration(parent, key)) names.add(name);
  });
  return names;
};

/** `Date.now` or `setTimeout` for the node that stands for it, `globalThis.` and `window.` left aside. */
const globalUse = (node: SyntaxNode, parent: SyntaxNode | undefined, key: string): string | undefined => {
  if (node.type === 'MemberExpression' && node.computed !== true) {
    const object = nameOf(node.object);
    return object === undefined ? undefined : `${object}.${nameOf(node.property)}`;
  }
  const name = nameOf(node);
  return name === undefined || isLabel(parent, key) ? undefined : name;
};

const ambientComplaint = (
  node: SyntaxNode,
  parent: SyntaxNode | undefined,
  key: string,
  declared: ReadonlySet<string>,
): string | undefined => {
  const callsDate = nameOf(node.callee) === 'Date' && !declared.has('Date');
  if (callsDate && node.type === 'CallExpression') return `Date(): ${newDateReplacement}`;
  if (callsDate && node.type === 'NewExpression' && (node.arguments as unknown[]).length === 0)
    return `new Date(): ${newDateReplacement}`;
  const used = globalUse(node, parent, key);
  if (used === undefined || !Object.hasOwn(bannedInPureFolders, used)) return undefined;
  if (declared.has(used.split('.')[0] ?? used)) return undefined;
  return `${used}: ${bannedInPureFolders[used]}`;
};

const asyncComplaint = (node: SyntaxNode): string | undefined => {
  const isAsync = node.async === true || node.type === 'AwaitExpression' || node.await === true;
  if (isAsync || nameOf(node) === 'Promise') return `async, await or Promise: ${synchronousReplacement}`;
  return undefined;
};

const onlyComplaint = (node: SyntaxNode): string | undefined => {
  if (node.type !== 'MemberExpression' || nameOf(node.property) !== 'only') return undefined;
  let object = node.object;
  while (isNode(object) && object.type === 'MemberExpression') object = object.object;
  return TEST_FUNCTIONS.has(nameOf(object) ?? '')
    ? '.only: leaves every other test out; remove it'
    : undefined;
};

const complaintAnywhere = (node: SyntaxNode): string | undefined => {
  if (nameOf(node.property) === 'waitForTimeout')
    return 'waitForTimeout: wait for the condition, with a message that says what was missing';
  if (
    node.type === 'TSAsExpression' &&
    isNode(node.typeAnnotation) &&
    node.typeAnnotation.type === 'TSAnyKeyword'
  )
    return 'as any: name the type, or take `unknown` and parse it';
  return onlyComplaint(node);
};

const lengthComplaint = (file: SourceFile): { lines: number; message: string } => {
  const lines = file.text.split('\n').length - 1;
  return { lines, message: `${lines} lines: split it by what changes together` };
};

export const tidy = (files: readonly SourceFile[]): Tidied => {
  const findings: Finding[] = [];
  const warnings: Finding[] = [];
  for (const file of files) {
    const { path, text } = file;
    const { program, comments } = parse(file);
    const isTest = isTestFile(path);
    const isPure = !isTest && isInside(path, pureFolders);
    const isSynchronous = !isTest && isInside(path, synchronousFolders);
    const declared = declaredNames(program);
    const report = (node: SyntaxNode, message: string | undefined) => {
      if (message !== undefined) findings.push({ path, line: lineOf(text, node.start), message });
    };
    walk(program, (node, parent, key) => {
      report(node, complaintAnywhere(node));
      if (isPure) report(node, ambientComplaint(node, parent, key, declared));
      if (isSynchronous) report(node, asyncComplaint(node));
    });
    for (const comment of comments) {
      const found = OPEN_WORK.exec(String(comment.value))?.[1];
      if (found !== undefined) report(comment, `${found}: finish it, or say in a sentence what holds today`);
    }
    const { lines, message } = lengthComplaint(file);
    if (!isTest && lines > LINES_MAX) findings.push({ path, line: 1, message });
    else if (!isTest && lines > LINES_WARNED_ABOVE) warnings.push({ path, line: 1, message });
  }
  return { findings, warnings };
};

if (import.meta.main) {
  const files = readSourceFiles();
  const { findings, warnings } = tidy(files);
  findings.push(...specCoverage(readSpecFiles(), files));
  if (warnings.length > 0) console.log('warnings:');
  printFindings(warnings);
  if (findings.length > 0) console.log('errors:');
  printFindings(findings);
  console.log(`${files.length} files, ${findings.length} findings, ${warnings.length} warnings`);
  process.exitCode = findings.length > 0 || files.length === 0 ? 1 : 0;
}
