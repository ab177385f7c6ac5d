import type { FlowDocument } from '@millrace/shared/flow/document.ts';

export type ExportFormat = 'json' | 'yaml' | 'mermaid' | 'markdown' | 'svg' | 'png';
export type Scheme = 'light' | 'dark';
export type Written = { text: string; fileName: string; mediaType: string };

export type ExportFormatEntry = { id: ExportFormat; label: string; summary: string; isPicture: boolean };

/** How the formats are offered here; `shared` knows how each is written, for the page and the command line alike. */
export const EXPORT_FORMATS: readonly ExportFormatEntry[] = [
  {
    id: 'json',
    label: 'JSON',
    summary:
      'The flow itself. Its order is stable, so a diff in git shows what changed; Millrace reads it back unchanged.',
    isPicture: false,
  },
  {
    id: 'yaml',
    label: 'YAML',
    summary: 'The same flow, easier on the eye: code stands in it as written.',
    isPicture: false,
  },
  {
    id: 'mermaid',
    label: 'Mermaid',
    summary: 'A flowchart as text, for README files, wikis and pull requests that draw Mermaid.',
    isPicture: false,
  },
  {
    id: 'markdown',
    label: 'Markdown',
    summary: 'Documentation of the flow: what each node does, with its settings and code.',
    isPicture: false,
  },
  {
    id: 'svg',
    label: 'SVG',
    summary: 'The drawing as a picture that stays sharp at any size.',
    isPicture: true,
  },
  {
    id: 'png',
    label: 'PNG',
    summary: 'The drawing as a picture at twice its size on the canvas.',
    isPicture: true,
  },
];

/** What a format makes of the flow. A PNG is written as its SVG; `pngOf` turns that into the file. */
export async function writeFormat(
  id: ExportFormat,
  document: FlowDocument,
  scheme: Scheme,
): Promise<Written> {
  // Loaded when it is needed: nobody opens a flow to export it.
  const [{ exportFileName, exportFormat }, { toSvg }] = await Promise.all([
    import('@millrace/shared/exchange/formats.ts'),
    import('@millrace/shared/exchange/svg.ts'),
  ]);
  if (id === 'svg' || id === 'png') {
    const text = toSvg(document, { theme: scheme });
    const mediaType = id === 'svg' ? 'image/svg+xml' : 'image/png';
    return { text, fileName: exportFileName(document, { extension: `.${id}` }), mediaType };
  }
  const format = exportFormat(id);
  if (!format) throw new Error(`Invariant broken: nothing writes the format ${id}`);
  return {
    text: format.write(document),
    fileName: exportFileName(document, format),
    mediaType: format.mediaType,
  };
}
