import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';

/** A file of the project: its path from the root with forward slashes, and its text. */
export type SourceFile = { path: string; text: string };

/** A node of the syntax tree; the walkers look at a handful of shapes and must step through all the others. */
export type SyntaxNode = { type: string; start: number; end: number } & Record<string, unknown>;

export const projectRoot = fileURLToPath(new URL('..', import.meta.url));

const FOLDERS = ['shared/src', 'server/src', 'server/bench', 'web/src', 'e2e', 'scripts'];
const SPEC_FOLDER = 'docs/spec';
const SKIPPED = new Set(['node_modules', 'dist', 'results']);

export const isTestFile = (path: string): boolean =>
  /\.(test|bench)\.tsx?$/.test(path) || /\/(testing|contract|bench)\//.test(path) || path.startsWith('e2e/');

const filesUnder = (folder: string): string[] => {
  try {
    return readdirSync(join(projectRoot, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesUnder(path);
      return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** The numbered rules, in words. */
export const readSpecFiles = (): SourceFile[] =>
  readdirSync(join(projectRoot, SPEC_FOLDER))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `${SPEC_FOLDER}/${name}`)
    .map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }));

/** Every TypeScript file of ours, in a stable order. */
export const readSourceFiles = (): SourceFile[] =>
  FOLDERS.flatMap(filesUnder)
    .sort()
    .map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }));

export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

/** Parsed with the parser that Vite builds with, so that nothing a build accepts can hide from a rule. */
export const parse = (file: SourceFile): { program: SyntaxNode; comments: SyntaxNode[] } => {
  const result = parseSync(file.path, file.text);
  const [error] = result.errors;
  if (error !== undefined) throw new Error(`${file.path}: ${error.message}`);
  return {
    program: result.program as unknown as SyntaxNode,
    comments: result.comments as unknown as SyntaxNode[],
  };
};

export const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

/** Calls `visit` for every node, parents first. */
export const walk = (
  node: SyntaxNode,
  visit: (node: SyntaxNode, parent: SyntaxNode | undefined, key: string) => void,
  parent?: SyntaxNode,
  key = '',
): void => {
  visit(node, parent, key);
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, visit, node, name);
    }
  }
};

export type Finding = { path: string; line: number; message: string };

export const printFindings = (findings: readonly Finding[]): void => {
  for (const finding of findings) console.log(`${finding.path}:${finding.line}  ${finding.message}`);
};
