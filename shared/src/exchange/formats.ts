import type { FlowDocument } from '../flow/document.ts';
import { writeDocument } from '../flow/serialize.ts';
import { toMarkdown } from './markdown.ts';
import { toMermaid } from './mermaid.ts';
import { toSvg } from './svg.ts';

/** A way a flow can leave as one file. Menus, the command line and the export address are made from this list. */
export type ExportFormat = {
  id: 'json' | 'yaml' | 'mermaid' | 'markdown' | 'svg';
  title: string;
  /** With its dots: `.flow.json`. */
  extension: string;
  mediaType: string;
  write: (document: FlowDocument) => string;
};

export const EXPORT_FORMATS: readonly ExportFormat[] = [
  {
    id: 'json',
    title: 'Millrace flow (JSON)',
    extension: '.flow.json',
    mediaType: 'application/json',
    write: (document) => writeDocument(document, 'json'),
  },
  {
    id: 'yaml',
    title: 'Millrace flow (YAML)',
    extension: '.flow.yaml',
    mediaType: 'application/yaml',
    write: (document) => writeDocument(document, 'yaml'),
  },
  {
    id: 'mermaid',
    title: 'Mermaid diagram',
    extension: '.mmd',
    mediaType: 'text/vnd.mermaid',
    write: toMermaid,
  },
  {
    id: 'markdown',
    title: 'Markdown documentation',
    extension: '.md',
    mediaType: 'text/markdown',
    write: toMarkdown,
  },
  {
    id: 'svg',
    title: 'SVG picture',
    extension: '.svg',
    mediaType: 'image/svg+xml',
    write: (document) => toSvg(document),
  },
];

export function exportFormat(id: string): ExportFormat | undefined {
  return EXPORT_FORMATS.find((format) => format.id === id);
}

/** A file name from a flow's name: `Orders & payments` → `orders-payments.flow.json`. */
export function exportFileName(document: FlowDocument, format: Pick<ExportFormat, 'extension'>): string {
  const stem = document.name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 80);
  return `${stem === '' ? 'flow' : stem}${format.extension}`;
}
