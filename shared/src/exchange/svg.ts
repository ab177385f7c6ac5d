import type { FlowDocument, FlowNode, Position } from '../flow/document.ts';
import {
  curveBetween,
  curvePath,
  INPUT_PORT,
  labelledOutputs,
  NODE_WIDTH,
  nodeSize,
  PORT_ROW_HEIGHT,
  portSpots,
} from '../flow/geometry.ts';
import { gistOf } from '../flow/gist.ts';
import { edgeRole, type FlowGraph, graphOf } from '../flow/graph.ts';
import { withPositions } from '../flow/layout.ts';
import type { NodeFamily } from '../flow/records/kind.ts';
import { familyOf, nodeKind } from '../flow/records/registry.ts';
import { ICONS } from './svgIcons.ts';

export type SvgTheme = 'light' | 'dark';

type Colours = {
  canvas: string;
  dots: string;
  node: string;
  line: string;
  text: string;
  soft: string;
  edge: string;
  dead: string;
  families: Record<NodeFamily, { strong: string; soft: string }>;
};

/** The colours of the page's canvas. */
const THEMES: Record<SvgTheme, Colours> = {
  light: {
    canvas: '#f5f7f9',
    dots: '#cdd5dd',
    node: '#ffffff',
    line: '#c2ccd6',
    text: '#17202a',
    soft: '#56616d',
    edge: '#8796a5',
    dead: '#b4545c',
    families: {
      producer: { strong: '#94590a', soft: '#fcf0dc' },
      topic: { strong: '#17648f', soft: '#e0edf7' },
      consumer: { strong: '#5b48b0', soft: '#ece9fa' },
    },
  },
  dark: {
    canvas: '#11161a',
    dots: '#2b343c',
    node: '#1b2228',
    line: '#3b4751',
    text: '#e3e9ee',
    soft: '#a3b0bb',
    edge: '#6d7d8b',
    dead: '#d67c83',
    families: {
      producer: { strong: '#e8b567', soft: '#36290f' },
      topic: { strong: '#7dbbe4', soft: '#173041' },
      consumer: { strong: '#b3a4f0', soft: '#2a2446' },
    },
  },
};

const MARGIN = 40;
/** How much wider bold letters are. */
const BOLDNESS = 1.1;
const TITLE_HEIGHT = 40;
const FONT = "Inter, 'Inter Variable', system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** The drawing as a picture that needs nothing but itself: no fonts, styles or scripts from elsewhere. */
export function toSvg(original: FlowDocument, options: { theme: SvgTheme } = { theme: 'light' }): string {
  const document = withPositions(original);
  const colours = THEMES[options.theme];
  const box = boundsOf(document);
  const width = Math.max(box.width, Math.min(600, textWidth(document.name, 18))) + 2 * MARGIN;
  const height = box.height + 2 * MARGIN + TITLE_HEIGHT;
  const origin = { x: box.x - MARGIN, y: box.y - MARGIN - TITLE_HEIGHT };
  const graph = graphOf(document);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${origin.x} ${origin.y} ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title" font-family="${FONT}">`,
    `<title id="title">${escapeXml(document.name)}</title>`,
    definitions(colours),
    `<rect x="${origin.x}" y="${origin.y}" width="${width}" height="${height}" fill="${colours.canvas}"/>`,
    `<rect x="${origin.x}" y="${origin.y}" width="${width}" height="${height}" fill="url(#dots)"/>`,
    text(
      { x: box.x, y: origin.y + MARGIN + 6 },
      fitted(document.name, width - 2 * MARGIN, 18),
      18,
      colours.text,
      600,
    ),
    ...document.edges.map((edge) => edgePath(graph, edge, colours)).filter((path) => path !== ''),
    ...document.nodes.map((node) => drawNode(node, placeOf(document, node), colours)),
    '</svg>',
  ].join('\n')}\n`;
}

function placeOf(document: FlowDocument, node: FlowNode): Position {
  return document.layout.nodes[node.id] ?? { x: 0, y: 0 };
}

function boundsOf(document: FlowDocument): { x: number; y: number; width: number; height: number } {
  if (document.nodes.length === 0) return { x: 0, y: 0, width: NODE_WIDTH, height: 60 };
  const boxes = document.nodes.map((node) => ({ ...placeOf(document, node), ...nodeSize(node) }));
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  return {
    x,
    y,
    width: Math.max(...boxes.map((box) => box.x + box.width)) - x,
    height: Math.max(...boxes.map((box) => box.y + box.height)) - y,
  };
}

function definitions(colours: Colours): string {
  const arrow = (id: string, colour: string): string =>
    `<marker id="${id}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0.5 0.8 9 5 0.5 9.2Z" fill="${colour}"/></marker>`;
  const dots = `<pattern id="dots" width="20" height="20" patternUnits="userSpaceOnUse"><circle cx="1" cy="1" r="0.8" fill="${colours.dots}"/></pattern>`;
  return `<defs>${dots}${arrow('arrow', colours.edge)}${arrow('arrow-dead', colours.dead)}</defs>`;
}

function edgePath(graph: FlowGraph, edge: FlowDocument['edges'][number], colours: Colours): string {
  const source = graph.nodes.get(edge.source);
  const target = graph.nodes.get(edge.target);
  if (!source || !target) return '';
  const out = portSpots(source).find((spot) => spot.id === edge.sourcePort);
  const into = portSpots(target).find((spot) => spot.id === INPUT_PORT);
  if (!out || !into) return '';
  const from = shifted(placeOf(graph.document, source), out.at);
  const to = shifted(placeOf(graph.document, target), into.at);
  const isDeadLetter = edgeRole(graph, edge) === 'dead-letter';
  const style = isDeadLetter
    ? `stroke="${colours.dead}" stroke-dasharray="5 4" marker-end="url(#arrow-dead)"`
    : `stroke="${colours.edge}" marker-end="url(#arrow)"`;
  return `<path d="${curvePath(curveBetween(from, out.side, { x: to.x - 1, y: to.y }))}" fill="none" stroke-width="1.75" ${style}/>`;
}

function shifted(by: Position, at: Position): Position {
  return { x: by.x + at.x, y: by.y + at.y };
}

function drawNode(node: FlowNode, at: Position, colours: Colours): string {
  const size = nodeSize(node);
  const family = familyOf(node.kind);
  const { strong, soft } = colours.families[family];
  const inset = family === 'topic' ? 16 : 12;
  // The round end of a producer leaves less room at the bottom.
  const gistX = family === 'producer' ? 20 : inset;
  const iconX = inset;
  const textX = iconX + 40;
  const room = size.width - textX - (family === 'topic' ? 24 : 10);
  return [
    `<g transform="translate(${at.x} ${at.y})">`,
    `<title>${escapeXml(node.name)}</title>`,
    `<path d="${outline(family, size)}" fill="${colours.node}" stroke="${colours.line}" stroke-width="1.5"/>`,
    family === 'topic'
      ? `<path d="${lid(size)}" fill="none" stroke="${colours.line}" stroke-width="1.5"/>`
      : '',
    `<rect x="${iconX}" y="10" width="30" height="30" rx="${family === 'producer' ? 15 : 6}" fill="${soft}"/>`,
    `<g transform="translate(${iconX + 7} 17) scale(0.6667)" fill="none" stroke="${strong}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="${ICONS[node.kind]}"/></g>`,
    text({ x: textX, y: 23 }, fitted(node.name, room / BOLDNESS, 13), 13, colours.text, 600),
    text({ x: textX, y: 38 }, nodeKind(node.kind).title, 11, strong, 500),
    ...labelledOutputs(node).map((port, row) =>
      text(
        { x: size.width - 12, y: 50 + (row + 0.5) * PORT_ROW_HEIGHT + 4 },
        fitted(port.label, 150, 11),
        11,
        colours.soft,
        400,
        'end',
      ),
    ),
    text(
      { x: gistX, y: size.height - 15 },
      fitted(gistOf(node), size.width - 2 * gistX - (family === 'topic' ? 8 : 0), 11),
      11,
      colours.soft,
      400,
    ),
    ...portSpots(node).map(
      (spot) =>
        `<circle cx="${spot.at.x}" cy="${spot.at.y}" r="3" fill="${colours.node}" stroke="${spot.role === 'dead-letter' ? colours.dead : colours.edge}" stroke-width="1.25"/>`,
    ),
    '</g>',
  ]
    .filter((part) => part !== '')
    .join('');
}

/** Producers are round at the left, topics a length of pipe, consumers cards: told apart without colour. */
function outline(family: NodeFamily, { width, height }: { width: number; height: number }): string {
  if (family === 'producer') {
    const round = Math.min(40, height / 2);
    return `M${round} 0H${width - 8}a8 8 0 0 1 8 8V${height - 8}a8 8 0 0 1-8 8H${round}a${round} ${round} 0 0 1-${round}-${round}V${round}a${round} ${round} 0 0 1 ${round}-${round}Z`;
  }
  if (family === 'topic') {
    const half = height / 2;
    return `M${LID} 0H${width - LID}a${LID} ${half} 0 0 1 0 ${height}H${LID}a${LID} ${half} 0 0 1 0-${height}Z`;
  }
  return `M8 0H${width - 8}a8 8 0 0 1 8 8V${height - 8}a8 8 0 0 1-8 8H8a8 8 0 0 1-8-8V8a8 8 0 0 1 8-8Z`;
}

/** Half the width of the open end of a pipe. */
const LID = 9;

function lid({ width, height }: { width: number; height: number }): string {
  return `M${width - LID} 0a${LID} ${height / 2} 0 0 0 0 ${height}`;
}

function text(
  at: Position,
  content: string,
  size: number,
  colour: string,
  weight: number,
  anchor: 'start' | 'end' = 'start',
): string {
  const end = anchor === 'end' ? ' text-anchor="end"' : '';
  return `<text x="${at.x}" y="${at.y}" font-size="${size}" font-weight="${weight}" fill="${colour}"${end}>${escapeXml(content)}</text>`;
}

/** Cut with an ellipsis where it would be wider than `room`. */
function fitted(content: string, room: number, size: number): string {
  const flat = content.replaceAll(/\s+/g, ' ').trim();
  if (textWidth(flat, size) <= room) return flat;
  const characters = [...flat];
  while (characters.length > 1 && textWidth(`${characters.join('')}…`, size) > room) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

/** Near enough without a font: narrow letters, wide letters, ideographs and all others, in shares of the size. */
function textWidth(content: string, size: number): number {
  let shares = 0;
  for (const character of content) shares += shareOf(character);
  return shares * size;
}

const FIRST_FULL_WIDTH = 0x1100;

function shareOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code >= FIRST_FULL_WIDTH && (code > 0xffff || FULL_WIDTH.test(character))) return 1;
  if (/[iljtfrI.,:;'|!()[\] ]/.test(character)) return 0.34;
  if (/[mwMW@%]/.test(character)) return 0.88;
  return /[A-Z]/.test(character) ? 0.68 : 0.57;
}

const FULL_WIDTH = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/;

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** XML allows no control characters and no lone surrogates, escaped or not. */
function escapeXml(content: string): string {
  let escaped = '';
  for (const character of content.toWellFormed()) {
    const isControl = character < ' ' && !'\t\n\r'.includes(character);
    if (!isControl && character !== '\ufffe' && character !== '\uffff')
      escaped += ENTITIES[character] ?? character;
  }
  return escaped;
}
