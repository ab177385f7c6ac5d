import { posix } from 'node:path';
import { packageImporters, type Zone, zones } from './importRules.ts';
import {
  type Finding,
  isNode,
  isTestFile,
  lineOf,
  parse,
  printFindings,
  readSourceFiles,
  type SourceFile,
  type SyntaxNode,
  walk,
} from './sourceFiles.ts';

type ImportEdge = {
  /** What stands in the source; undefined when it is computed at run time. */
  specifier: string | undefined;
  line: number;
  /** `started`: named as a worker or a forked process, which has surroundings of its own. */
  kind: 'static' | 'dynamic' | 'started';
};

type Rules = { zones: readonly Zone[]; packageImporters: Readonly<Record<string, readonly string[]>> };

type Target = { kind: 'ours' | 'package' | 'node' | 'foreign'; name: string };

const SHARED_PACKAGE = '@millrace/shared/';

const literal = (value: unknown): string | undefined =>
  isNode(value) && value.type === 'Literal' && typeof value.value === 'string' ? value.value : undefined;

/** `new URL('./x.worker.ts', import.meta.url)`: how a worker or a forked process is named. */
const isUrlBesideThisFile = (node: SyntaxNode): boolean => {
  const [, base] = node.arguments as SyntaxNode[];
  return (
    isNode(node.callee) &&
    node.callee.name === 'URL' &&
    base?.type === 'MemberExpression' &&
    isNode(base.object) &&
    base.object.type === 'MetaProperty'
  );
};

export const importsOf = (file: SourceFile): ImportEdge[] => {
  const edges: ImportEdge[] = [];
  const add = (node: SyntaxNode, source: unknown, kind: ImportEdge['kind']) =>
    edges.push({ specifier: literal(source), line: lineOf(file.text, node.start), kind });
  walk(parse(file).program, (node) => {
    if (/^(Import|ExportNamed|ExportAll)Declaration$/.test(node.type) && isNode(node.source))
      add(node, node.source, 'static');
    else if (node.type === 'ImportExpression') add(node, node.source, 'dynamic');
    else if (node.type === 'TSImportType') add(node, node.source ?? node.argument, 'static');
    else if (node.type === 'NewExpression' && isUrlBesideThisFile(node)) {
      const [path] = node.arguments as SyntaxNode[];
      // A computed path there is data to be read, not code.
      if (/\.[cm]?[jt]sx?$/.test(literal(path) ?? '')) add(node, path, 'started');
    }
  });
  return edges;
};

const resolveTarget = (from: string, specifier: string): Target => {
  const path = specifier.replace(/\?.*$/, '');
  if (path.startsWith('.')) return { kind: 'ours', name: posix.join(posix.dirname(from), path) };
  if (path.startsWith(SHARED_PACKAGE))
    return { kind: 'ours', name: `shared/src/${path.slice(SHARED_PACKAGE.length)}` };
  if (path.startsWith('@millrace/')) return { kind: 'foreign', name: path };
  if (path.startsWith('node:')) return { kind: 'node', name: path };
  return { kind: 'package', name: path.split('/', path.startsWith('@') ? 2 : 1).join('/') };
};

const zoneOf = (path: string, all: readonly Zone[]): Zone | undefined =>
  all
    .filter((zone) => path.startsWith(zone.path))
    .reduce<Zone | undefined>(
      (best, zone) => (zone.path.length > (best?.path.length ?? -1) ? zone : best),
      undefined,
    );

const topFolder = (path: string): string => path.split('/')[0] ?? path;

const complaintAboutOurs = (from: string, to: string, zone: Zone, rules: Rules): string | undefined => {
  if (isTestFile(from)) {
    if (topFolder(from) === topFolder(to) || topFolder(to) === 'shared') return undefined;
    if (zone.may.some((prefix) => to.startsWith(prefix))) return undefined;
    return `${topFolder(from)} must not import ${to}, not even in a test`;
  }
  if (isTestFile(to) && !to.startsWith('e2e/')) return `imports ${to}, which is there for tests only`;
  if (zoneOf(to, rules.zones) === zone || zone.may.some((prefix) => to.startsWith(prefix))) return undefined;
  const allowed = zone.may.length > 0 ? zone.may.join(', ') : 'nothing of ours';
  return `${zone.path} must not import ${to}; it may import ${allowed}`;
};

const complaintAboutPackage = (
  from: string,
  target: Target,
  zone: Zone,
  rules: Rules,
): string | undefined => {
  if (isTestFile(from)) return undefined;
  const importers = rules.packageImporters[target.name];
  if (importers !== undefined && !importers.some((prefix) => from.startsWith(prefix)))
    return `only ${importers.join(' and ')} may import ${target.name}`;
  if (zone.pure === undefined || zone.pure.packages.includes(target.name)) return undefined;
  return `${zone.path} is pure and must not import ${target.name}`;
};

const complaint = (from: string, edge: ImportEdge, rules: Rules): string | undefined => {
  const zone = zoneOf(from, rules.zones);
  if (zone === undefined) return undefined;
  if (edge.specifier === undefined)
    return zone.pure === undefined || isTestFile(from)
      ? undefined
      : `${zone.path} is pure and must not import what only run time knows`;
  const target = resolveTarget(from, edge.specifier);
  if (target.kind === 'foreign') return `must not import ${target.name}: only @millrace/shared is shared`;
  if (edge.kind === 'started')
    return topFolder(from) === topFolder(target.name) ? undefined : `must not start ${target.name}`;
  // Style sheets are code to nobody; their order is the page's business.
  if (target.kind === 'package' && edge.specifier.endsWith('.css') && zone.pure === undefined)
    return undefined;
  if (target.kind === 'ours') return complaintAboutOurs(from, target.name, zone, rules);
  return complaintAboutPackage(from, target, zone, rules);
};

/** Every cycle once, as the files along it; found by depth-first search over static imports. */
const cyclesIn = (graph: ReadonlyMap<string, readonly string[]>): string[][] => {
  const cycles: string[][] = [];
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const visit = (file: string): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file]);
      return;
    }
    state.set(file, 'open');
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    state.set(file, 'done');
  };
  for (const file of graph.keys()) visit(file);
  return cycles;
};

export const checkImports = (
  files: readonly SourceFile[],
  rules: Rules = { zones, packageImporters },
): Finding[] => {
  const findings: Finding[] = [];
  const graph = new Map<string, string[]>();
  for (const file of files) {
    if (zoneOf(file.path, rules.zones) === undefined)
      findings.push({ path: file.path, line: 1, message: 'belongs to no zone of scripts/importRules.ts' });
    const next: string[] = [];
    for (const edge of importsOf(file)) {
      const message = complaint(file.path, edge, rules);
      if (message !== undefined) findings.push({ path: file.path, line: edge.line, message });
      // What is loaded later is loaded after its importer, so it closes no cycle.
      if (edge.kind === 'static' && edge.specifier !== undefined)
        next.push(resolveTarget(file.path, edge.specifier).name);
    }
    graph.set(file.path, next);
  }
  for (const cycle of cyclesIn(graph))
    findings.push({ path: cycle[0] ?? '', line: 1, message: `import cycle: ${cycle.join(' → ')}` });
  return findings;
};

if (import.meta.main) {
  const files = readSourceFiles();
  const findings = checkImports(files);
  printFindings(findings);
  const edges = files.reduce((sum, file) => sum + importsOf(file).length, 0);
  console.log(`${files.length} files, ${edges} imports, ${findings.length} against the rules`);
  // A checker that looked at nothing has not found the project to be right.
  process.exitCode = findings.length > 0 || files.length === 0 || edges === 0 ? 1 : 0;
}
