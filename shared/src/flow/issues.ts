import type { z } from 'zod';
import { isNodeKind, NODE_KIND_NAMES } from './records/registry.ts';

/** One thing wrong with a document, at a place that a person can find. */
export type FlowIssue = { path: string; message: string };

type Place = readonly PropertyKey[];

/** Reads like `nodes[3] "Payment" › config › ratePerSecond`. */
export function placeText(place: Place, raw: unknown): string {
  const parts: string[] = [];
  let value: unknown = raw;
  for (const step of place) {
    value =
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined;
    if (typeof step === 'number' && parts.length > 0) parts[parts.length - 1] += `[${step}]${labelOf(value)}`;
    else parts.push(String(step));
  }
  return parts.length === 0 ? 'document' : parts.join(' › ');
}

function labelOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  const { name, subject } = value as Record<string, unknown>;
  const label = name ?? subject;
  return typeof label === 'string' && label !== '' ? ` "${label}"` : '';
}

/** What the schema found, in our words where its own say too little. */
export function schemaIssues(error: z.ZodError, raw: unknown): FlowIssue[] {
  return error.issues.map((issue) => ({ path: placeText(issue.path, raw), message: sentenceOf(issue, raw) }));
}

function sentenceOf(issue: z.core.$ZodIssue, raw: unknown): string {
  const value = valueAt(issue.path, raw);
  if (issue.code === 'invalid_union') {
    const [list, , field] = issue.path;
    if (list === 'nodes' && field === 'kind' && typeof value === 'string' && !isNodeKind(value)) {
      return `Millrace does not know the node kind "${value}". It knows ${NODE_KIND_NAMES.join(', ')}.`;
    }
    return value === undefined ? 'is missing' : `${JSON.stringify(value)} is not one of the possible values`;
  }
  if (issue.code === 'invalid_type' && value === undefined) return `is missing; expected ${issue.expected}`;
  return issue.message;
}

function valueAt(place: Place, raw: unknown): unknown {
  let value: unknown = raw;
  for (const step of place) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

/** Ids name one record each, over nodes, edges and schemas. */
export function duplicateIdIssues(document: {
  nodes: readonly { id: string }[];
  edges: readonly { id: string }[];
  schemas: readonly { id: string }[];
}): FlowIssue[] {
  const issues: FlowIssue[] = [];
  for (const list of ['nodes', 'edges', 'schemas'] as const) {
    const seen = new Map<string, number>();
    document[list].forEach(({ id }, index) => {
      const first = seen.get(id);
      if (first === undefined) seen.set(id, index);
      else {
        issues.push({
          path: placeText([list, index, 'id'], document),
          message: `the id ${id} is already used by ${placeText([list, first], document)}`,
        });
      }
    });
  }
  return issues;
}
