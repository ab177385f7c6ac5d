import type { FlowDocument, FlowNode } from '../flow/document.ts';
import { edgeRole, type FlowGraph, graphOf } from '../flow/graph.ts';
import { inReadingOrder } from '../flow/layout.ts';
import type { NodeFamily, PortRole } from '../flow/records/kind.ts';
import { familyOf, nodeKind } from '../flow/records/registry.ts';
import { validateFlow } from '../flow/validate.ts';
import { type Setting, settingsOf } from './describe.ts';
import { toMermaid } from './mermaid.ts';

/** Documentation of a flow for people who read it in a repository or a wiki. */
export function toMarkdown(document: FlowDocument): string {
  const graph = graphOf(document);
  const sections = [
    `# ${inline(document.name)}`,
    document.description.trim(),
    summary(document),
    fenced(toMermaid(document), 'mermaid'),
    producers(graph),
    topics(graph),
    consumers(graph),
    schemas(document),
    runSettings(document),
    problems(document),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function summary(document: FlowDocument): string {
  const count = (family: NodeFamily, word: string): string => {
    const number = ofFamily(document, family).length;
    return `${number} ${word}${number === 1 ? '' : 's'}`;
  };
  return `${count('producer', 'producer')}, ${count('topic', 'topic')}, ${count('consumer', 'consumer')}.`;
}

function ofFamily(document: FlowDocument, family: NodeFamily): FlowNode[] {
  return inReadingOrder(document).filter((node) => familyOf(node.kind) === family);
}

function producers(graph: FlowGraph): string {
  const rows = ofFamily(graph.document, 'producer').map((node) => [
    `**${inline(node.name)}**`,
    nodeKind(node.kind).title,
    listOf(targets(graph, node, 'publish')),
    shortSettings(node, []),
  ]);
  return section(
    'Producers',
    ['Name', 'Kind', 'Writes to', 'Settings'],
    rows,
    ofFamily(graph.document, 'producer').map(details),
  );
}

function topics(graph: FlowGraph): string {
  const nodes = ofFamily(graph.document, 'topic').filter((node) => node.kind === 'topic');
  const rows = nodes.map((node) => {
    const schema = graph.document.schemas.find((candidate) => candidate.id === node.config.schema);
    return [
      `**${inline(node.name)}**`,
      String(node.config.partitions),
      node.config.key === '' ? 'none' : code(node.config.key),
      schema ? `${inline(schema.subject)} version ${schema.version}` : 'none',
      listOf((graph.incoming.get(node.id) ?? []).map((edge) => nameOf(graph, edge.source))),
      listOf((graph.outgoing.get(node.id) ?? []).map((edge) => nameOf(graph, edge.target))),
    ];
  });
  return section(
    'Topics',
    ['Name', 'Partitions', 'Key', 'Schema', 'Written by', 'Read by'],
    rows,
    nodes.map(details),
  );
}

function consumers(graph: FlowGraph): string {
  const nodes = ofFamily(graph.document, 'consumer');
  const rows = nodes.map((node) => [
    `**${inline(node.name)}**`,
    nodeKind(node.kind).title,
    listOf((graph.incoming.get(node.id) ?? []).map((edge) => nameOf(graph, edge.source))),
    listOf(targets(graph, node, 'publish')),
    deadLetters(graph, node),
    shortSettings(node, ['afterLastAttempt', 'timeoutMs', 'memoryMb', 'startFrom', 'routes']),
  ]);
  return section(
    'Consumers',
    ['Name', 'Kind', 'Reads', 'Writes to', 'Dead letters', 'Settings'],
    rows,
    nodes.map(details),
  );
}

function deadLetters(graph: FlowGraph, node: FlowNode): string {
  if (!('afterLastAttempt' in node.config)) return 'none';
  if (node.config.afterLastAttempt === 'skip') return 'skipped';
  if (node.config.afterLastAttempt === 'stop') return 'stop the run';
  const drawn = targets(graph, node, 'dead-letter');
  return drawn.length > 0 ? listOf(drawn) : inline(`${node.name}.dead-letters`);
}

function targets(graph: FlowGraph, node: FlowNode, role: PortRole): string[] {
  return (graph.outgoing.get(node.id) ?? []).flatMap((edge) => {
    if (edgeRole(graph, edge) !== role) return [];
    const labelled = node.kind === 'route' && role === 'publish';
    return [labelled ? `${edge.sourcePort} → ${nameOf(graph, edge.target)}` : nameOf(graph, edge.target)];
  });
}

function nameOf(graph: FlowGraph, id: string): string {
  return graph.nodes.get(id)?.name ?? id;
}

function shortSettings(node: FlowNode, without: readonly string[]): string {
  return settingsOf(node)
    .filter((setting) => setting.block === null && !without.includes(setting.field))
    .map((setting) => `${setting.title}: ${inline(setting.text)}`)
    .join('<br>');
}

/** What of a node does not fit a table; '' for nothing. */
function details(node: FlowNode): string {
  const blocks = settingsOf(node).filter((setting) => setting.block !== null && setting.text !== '');
  const rules = node.kind === 'route' ? routeTable(node.config.routes) : '';
  if (node.description.trim() === '' && blocks.length === 0 && rules === '') return '';
  return [`### ${inline(node.name)}`, node.description.trim(), rules, ...blocks.map(blockOf)]
    .filter((part) => part !== '')
    .join('\n\n');
}

function blockOf(setting: Setting): string {
  return `${setting.title}:\n\n${fenced(setting.text, setting.block ?? '')}`;
}

function routeTable(routes: readonly { port: string; when: string }[]): string {
  return table(
    ['Output', 'When'],
    routes.map((rule) => [code(rule.port), code(rule.when)]),
  );
}

function schemas(document: FlowDocument): string {
  if (document.schemas.length === 0) return '';
  const parts = document.schemas.map(
    (schema) =>
      `### ${inline(schema.subject)} version ${schema.version}\n\n${fenced(JSON.stringify(schema.schema, null, 2), 'json')}`,
  );
  return ['## Schemas', ...parts].join('\n\n');
}

function runSettings({ settings }: FlowDocument): string {
  const durable =
    settings.durability === 'fsync'
      ? 'acknowledged means on disk (fsync)'
      : 'relaxed: a power cut may lose the last moments';
  return [
    '## Run settings',
    table(
      ['Setting', 'Value'],
      [
        ['Durability', durable],
        ['Seed', String(settings.seed)],
        ['Largest message', `${settings.messageBytesMax} bytes`],
        ['Backlog limit', `${settings.backlogMessagesMax} messages`],
      ],
    ),
  ].join('\n\n');
}

function problems(document: FlowDocument): string {
  const found = validateFlow(document).filter((problem) => problem.severity !== 'info');
  if (found.length === 0) return '';
  return [
    '## Problems',
    found.map((problem) => `- **${problem.severity}**: ${inline(problem.message)}`).join('\n'),
  ].join('\n\n');
}

function section(title: string, head: string[], rows: string[][], more: string[]): string {
  if (rows.length === 0) return '';
  return [`## ${title}`, table(head, rows), ...more.filter((part) => part !== '')].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.map(inline).join(', ');
}

/** Text that means nothing to Markdown or HTML, on one line. */
function inline(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_[\]<>|#]/g, (character) => (character === '<' ? '&lt;' : `\\${character}`));
}

/** A code span that holds any text, backticks and table bars included. */
function code(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
  const fence = '`'.repeat(longestRun(flat) + 1);
  return flat.includes('`') ? `${fence} ${flat} ${fence}` : `${fence}${flat}${fence}`;
}

function fenced(text: string, language: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text.replace(/\n+$/, '')}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map((match) => match[0].length));
}
