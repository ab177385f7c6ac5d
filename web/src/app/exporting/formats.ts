import type { FlowDocument } from '@millrace/shared/flow/document.ts';

export type ExportFormat = 'json' | 'yaml' | 'mermaid' | 'markdown' | 'svg' | 'png';
export type Scheme = 'light' | 'dark';

export type ExportFormatEntry = {
  id: ExportFormat;
  label: string;
  summary: string;
  /** After the flow's name. */
  extension: string;
  mediaType: string;
  /** Loaded when it is needed: nobody opens a flow to export it. */
  write: (document: FlowDocument, scheme: Scheme) => Promise<string>;
  /** The text is an SVG to look at. */
  isPicture?: boolean;
  /** Makes the file of the text where they differ. */
  toBlob?: (text: string) => Promise<Blob>;
};

export const EXPORT_FORMATS: readonly ExportFormatEntry[] = [
  {
    id: 'json',
    label: 'JSON',
    summary:
      'The flow itself. Stable order, so a diff in git shows what changed; Millrace reads it back unchanged.',
    extension: '.flow.json',
    mediaType: 'application/json',
    write: async (document) =>
      (await import('@millrace/shared/flow/serialize.ts')).writeDocument(document, 'json'),
  },
  {
    id: 'yaml',
    label: 'YAML',
    summary: 'The same flow, easier on the eye: code stands in it as written.',
    extension: '.flow.yaml',
    mediaType: 'application/yaml',
    write: async (document) =>
      (await import('@millrace/shared/flow/serialize.ts')).writeDocument(document, 'yaml'),
  },
  {
    id: 'mermaid',
    label: 'Mermaid',
    summary: 'A flowchart as text, for README files, wikis and pull requests that draw Mermaid.',
    extension: '.mmd',
    mediaType: 'text/vnd.mermaid',
    write: async (document) => (await import('@millrace/shared/exchange/mermaid.ts')).toMermaid(document),
  },
  {
    id: 'markdown',
    label: 'Markdown',
    summary: 'Documentation of the flow: what each node does, with its settings and code.',
    extension: '.md',
    mediaType: 'text/markdown',
    write: async (document) => (await import('@millrace/shared/exchange/markdown.ts')).toMarkdown(document),
  },
];

export function exportFileName(name: string, extension: string): string {
  const stem = name
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${stem === '' ? 'flow' : stem}${extension}`;
}
