import type { FlowDocument, FlowNode } from '../flow/document.ts';
import { edgeRole, graphOf } from '../flow/graph.ts';
import { inReadingOrder } from '../flow/layout.ts';
import type { NodeFamily } from '../flow/records/kind.ts';
import { familyOf, outputsOf } from '../flow/records/registry.ts';

/** Opening and closing marks of the shapes: producers are stadiums, topics cylinders, consumers rectangles. */
const SHAPES: Record<NodeFamily, readonly [string, string]> = {
  producer: ['([', '])'],
  topic: ['[(', ')]'],
  consumer: ['[', ']'],
};

const CLASSES: Record<NodeFamily, string> = {
  producer: 'fill:#fcf0dc,stroke:#94590a,color:#17202a',
  topic: 'fill:#e0edf7,stroke:#17648f,color:#17202a',
  consumer: 'fill:#ece9fa,stroke:#5b48b0,color:#17202a',
};

/** The drawing as a Mermaid flowchart, which GitHub, GitLab and many editors show. */
export function toMermaid(document: FlowDocument): string {
  const graph = graphOf(document);
  const nodes = inReadingOrder(document);
  const names = new Map(nodes.map((node, index) => [node.id, `n${index + 1}`]));
  const lines = ['---', `title: ${JSON.stringify(oneLine(document.name))}`, '---', 'flowchart LR'];
  for (const node of nodes) {
    const [open, close] = SHAPES[familyOf(node.kind)];
    lines.push(`  ${names.get(node.id)}${open}"${escapeLabel(node.name)}"${close}`);
  }
  for (const edge of document.edges) {
    const source = names.get(edge.source);
    const target = names.get(edge.target);
    const node = graph.nodes.get(edge.source);
    if (!source || !target || !node) continue;
    const isDeadLetter = edgeRole(graph, edge) === 'dead-letter';
    const label = isDeadLetter ? 'dead letters' : portLabel(node, edge.sourcePort);
    const arrow = isDeadLetter ? '-.->' : '-->';
    lines.push(`  ${source} ${arrow}${label === '' ? '' : `|"${escapeLabel(label)}"|`} ${target}`);
  }
  for (const family of Object.keys(CLASSES) as NodeFamily[]) {
    const members = nodes.filter((node) => familyOf(node.kind) === family).map((node) => names.get(node.id));
    if (members.length === 0) continue;
    lines.push(`  classDef ${family} ${CLASSES[family]}`, `  class ${members.join(',')} ${family}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Named only where a node has more than one way out. */
function portLabel(node: FlowNode, portId: string): string {
  const outputs = outputsOf(node).filter((port) => port.role === 'publish');
  return outputs.length > 1 ? (outputs.find((port) => port.id === portId)?.label ?? '') : '';
}

/** Inside quotes Mermaid reads entities written with # in place of &, and Markdown after a backtick. */
function escapeLabel(text: string): string {
  return oneLine(text).replaceAll(/[#"&<>`\\]/g, (character) => `#${character.charCodeAt(0)};`);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
