import { WorkbenchError } from '../errors/workbenchError.ts';
import { parseYaml, writeYaml } from '../exchange/yaml.ts';
import { DOCUMENT_FORMAT, type FlowDocument, flowDocumentSchema } from './document.ts';
import { duplicateIdIssues, type FlowIssue, schemaIssues } from './issues.ts';
import { parseJsonText } from './jsonText.ts';
import { isRaw, migrateDocument } from './migrations/migrate.ts';
import { CURRENT_VERSIONS, nodeRecordType } from './migrations/sequences.ts';

export type TextFormat = 'json' | 'yaml';

/** Far beyond the largest drawing; guards memory against a wrong file. */
export const FLOW_TEXT_CHARACTERS_MAX = 32 * 1024 * 1024;

/**
 * Reads a saved flow and brings it to the current version. `migrated` says that saving it would change it.
 * Throws FLOW_UNREADABLE (line and column), FLOW_INVALID (`details.issues`, every one) or FLOW_TOO_NEW.
 */
export function parseDocument(
  text: string,
  options: { format: TextFormat | 'auto' } = { format: 'auto' },
): { document: FlowDocument; migrated: boolean } {
  if (text.length > FLOW_TEXT_CHARACTERS_MAX) {
    throw new WorkbenchError(
      'FLOW_UNREADABLE',
      `This file is too large to be a flow: ${text.length} characters, at most ${FLOW_TEXT_CHARACTERS_MAX}.`,
    );
  }
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const format = options.format === 'auto' ? formatOf(plain) : options.format;
  return readDocument(format === 'json' ? parseJsonText(plain) : parseYaml(plain));
}

/** The same for a value that has been parsed already, such as one that came over the wire. */
export function readDocument(raw: unknown): { document: FlowDocument; migrated: boolean } {
  if (!isRaw(raw) || raw.format !== DOCUMENT_FORMAT) {
    throw invalid([
      { path: 'format', message: `this is not a Millrace flow; one says "format": "${DOCUMENT_FORMAT}"` },
    ]);
  }
  const { document, migrated } = migrateDocument(raw);
  return { document: checked(document), migrated };
}

function formatOf(text: string): TextFormat {
  return /^\s*[{[]/.test(text) ? 'json' : 'yaml';
}

function checked(raw: unknown): FlowDocument {
  const parsed = flowDocumentSchema.safeParse(raw);
  if (!parsed.success) throw invalid(schemaIssues(parsed.error, raw));
  const duplicates = duplicateIdIssues(parsed.data);
  if (duplicates.length > 0) throw invalid(duplicates);
  return sorted(parsed.data);
}

function invalid(issues: FlowIssue[]): WorkbenchError {
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new WorkbenchError('FLOW_INVALID', `${first?.path}: ${first?.message}${more}`, {
    details: { issues },
  });
}

/**
 * The saved text: keys in the order of the schemas, records sorted by id, versions of the record types in use, a newline
 * at the end. The same document always gives the same bytes. Throws FLOW_INVALID for what is no document.
 */
export function writeDocument(document: FlowDocument, format: TextFormat): string {
  // Parsing puts keys into the order of the schemas, whoever built the object.
  const canonical = checked(document);
  const saved = { ...canonical, versions: versionsInUse(canonical) };
  const json = JSON.stringify(saved, null, 2);
  // By way of JSON, so that both formats hold the very same values (YAML has more of them, such as −0).
  return format === 'json' ? `${json}\n` : writeYaml(JSON.parse(json));
}

/** Kinds that a flow does not use leave no mark in it, so that a new kind changes no saved flow. */
function versionsInUse(document: FlowDocument): Record<string, number> {
  const used = new Set([
    'document',
    'edge',
    'schema',
    'settings',
    ...document.nodes.map((node) => nodeRecordType(node.kind)),
  ]);
  return Object.fromEntries(
    Object.entries(CURRENT_VERSIONS)
      .filter(([type]) => used.has(type))
      .sort(([a], [b]) => compare(a, b)),
  );
}

function sorted(document: FlowDocument): FlowDocument {
  const byId = (a: { id: string }, b: { id: string }): number => compare(a.id, b.id);
  return {
    ...document,
    nodes: document.nodes.toSorted(byId),
    edges: document.edges.toSorted(byId),
    schemas: document.schemas.toSorted(byId),
    layout: {
      nodes: Object.fromEntries(Object.entries(document.layout.nodes).sort(([a], [b]) => compare(a, b))),
    },
  };
}

/** By code unit: the same on every machine, unlike a locale's order. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
