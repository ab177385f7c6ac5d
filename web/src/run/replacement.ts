import type { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { ChangeEffect, FlowChange } from '@millrace/shared/flow/changes.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { create } from 'zustand';

/** What the server says would change, and the two drawings it compared, for those who look closer. */
export type ReplacementPreview = {
  runId: string;
  from: number;
  version: number;
  revision: number;
  changes: readonly FlowChange[];
  before: FlowDocument | null;
  after: FlowDocument;
};

/** Lives as long as a flow is open: whether the drawing differs from what runs, and the dialog that shows how. */
export type ReplacementState = {
  /** How many records of the drawing differ from the version that runs. */
  pendingChanges: number;
  opened: boolean;
  /** Null while it is being asked for. */
  preview: ReplacementPreview | null;
  applying: boolean;
  problem: WorkbenchError | null;
};

export const NO_REPLACEMENT: ReplacementState = {
  pendingChanges: 0,
  opened: false,
  preview: null,
  applying: false,
  problem: null,
};

export const useReplacement = create<ReplacementState>(() => NO_REPLACEMENT);

/** What a person must not overlook first. */
export const EFFECTS: readonly { effect: ChangeEffect; title: string }[] = [
  { effect: 'blocking', title: 'Cannot be applied to a run' },
  { effect: 'loses', title: 'Gives something up' },
  { effect: 'starts', title: 'Starts' },
  { effect: 'keeps', title: 'Goes on' },
];

export function byEffect(
  changes: readonly FlowChange[],
): { title: string; effect: ChangeEffect; changes: FlowChange[] }[] {
  return EFFECTS.map((group) => ({
    ...group,
    changes: changes.filter(({ effect }) => effect === group.effect),
  })).filter(({ changes: own }) => own.length > 0);
}

export type PropertyDiff = { path: string; before: string; after: string };

/** Old and new values of the properties that a change names, as text. */
export function propertyDiffs(change: FlowChange, before: FlowDocument, after: FlowDocument): PropertyDiff[] {
  const old = recordOf(change, before);
  const now = recordOf(change, after);
  return change.paths.map((path) => ({ path, before: textAt(old, path), after: textAt(now, path) }));
}

function recordOf({ record, id }: FlowChange, document: FlowDocument): unknown {
  switch (record) {
    case 'settings':
      return document;
    case 'node':
      return document.nodes.find((node) => node.id === id);
    case 'edge':
      return document.edges.find((edge) => edge.id === id);
    case 'schema':
      return document.schemas.find((schema) => schema.id === id);
  }
}

function textAt(record: unknown, path: string): string {
  let value: unknown = record;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[name];
  if (value === undefined || value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export type DiffLine = { kind: 'same' | 'removed' | 'added'; text: string };
/** Unchanged lines shown before and after a change. */
const CONTEXT_LINES = 2;

/** The lines that differ, with a little of what is around them. Enough for the code of a handler. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const old = before.split('\n');
  const now = after.split('\n');
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < now.length - head &&
    old[old.length - 1 - tail] === now[now.length - 1 - tail]
  )
    tail++;
  const line = (kind: DiffLine['kind']) => (text: string) => ({ kind, text });
  return [
    ...old.slice(Math.max(0, head - CONTEXT_LINES), head).map(line('same')),
    ...old.slice(head, old.length - tail).map(line('removed')),
    ...now.slice(head, now.length - tail).map(line('added')),
    ...now.slice(now.length - tail, now.length - tail + CONTEXT_LINES).map(line('same')),
  ];
}
