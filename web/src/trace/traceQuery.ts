import { ERROR_CODES, type ErrorCode } from '@millrace/shared/errors/codes.ts';
import { NO_FILTER, TRACE_STATUSES, type TraceFilter } from './traceList.ts';

/** What was typed and chosen above the list of traces. */
export type TraceSearch = { query: string; status: TraceFilter['status']; nodeId: string | null };

export const NO_SEARCH: TraceSearch = { query: '', status: null, nodeId: null };

/** `problem` says what of the query makes no sense; the rest of it is looked for all the same. */
export type ParsedSearch = { filter: TraceFilter; problem: string | null };

type NamedNode = { id: string; name: string };

/** A word, `field:value`, `duration>200ms`; a value with blanks stands in quotes. */
const TERM = /([a-z]+)(:|>=?)("[^"]*"|\S*)|"([^"]*)"|(\S+)/gi;
const DURATION = /^(\d+(?:\.\d+)?)(us|ms|s|m|h)?$/i;
const UNIT_MS: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * `status:failed node:charge key:a17 type:order duration>200ms code:HANDLER_THREW`, in any order, and words for all else: an
 * id, a key or part of a type. Ids hold colons, too, so an unknown field is a word.
 */
export function parseSearch(search: TraceSearch, nodes: readonly NamedNode[]): ParsedSearch {
  const filter: TraceFilter = { ...NO_FILTER, status: search.status, nodeId: search.nodeId };
  const words: string[] = [];
  let problem: string | null = null;
  for (const [term, field, sign, quoted, phrase] of search.query.matchAll(TERM)) {
    const read = field === undefined ? undefined : FIELDS[`${field.toLowerCase()}${sign?.slice(0, 1)}`];
    if (read === undefined) {
      words.push(phrase ?? term);
      continue;
    }
    const value = (quoted ?? '').replaceAll('"', '');
    // While it is being typed.
    if (value !== '') problem = read(filter, value, nodes) ?? problem;
  }
  filter.text = words.join(' ');
  return { filter, problem };
}

type ReadField = (filter: TraceFilter, value: string, nodes: readonly NamedNode[]) => string | null;

const FIELDS: Record<string, ReadField | undefined> = {
  'status:': (filter, value) => {
    const status = TRACE_STATUSES.find((known) => known === value.toLowerCase());
    if (status === undefined) return `status is one of ${TRACE_STATUSES.join(', ')}, not “${value}”`;
    filter.status = status;
    return null;
  },
  'node:': (filter, value, nodes) => {
    const wanted = value.toLowerCase();
    const node =
      nodes.find(({ id, name }) => id === value || name.toLowerCase() === wanted) ??
      nodes.find(({ name }) => name.toLowerCase().includes(wanted));
    if (node === undefined) return `this flow has no node called “${value}”`;
    filter.nodeId = node.id;
    return null;
  },
  'key:': (filter, value) => {
    filter.key = value;
    return null;
  },
  'type:': (filter, value) => {
    filter.type = value;
    return null;
  },
  'code:': (filter, value) => {
    const code = ERROR_CODES.find((known) => known === value.toUpperCase());
    if (code === undefined) return `there is no error code “${value}”`;
    filter.errorCode = code satisfies ErrorCode;
    return null;
  },
  'duration>': (filter, value) => {
    const [, number, unit] = DURATION.exec(value) ?? [];
    if (number === undefined) return `“${value}” is no duration: try 200ms or 1.5s`;
    filter.durationMsMin = Number(number) * (UNIT_MS[unit?.toLowerCase() ?? 'ms'] as number);
    return null;
  },
};
