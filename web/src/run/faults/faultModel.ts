import { FAULT_KINDS, FAULT_PLACES, type FaultKind, type FaultSpec } from '@millrace/shared/faults/fault.ts';
import { edgeRole, type FlowGraph } from '@millrace/shared/flow/graph.ts';
import { familyOf } from '@millrace/shared/flow/records/registry.ts';
import { hasDelay, hasRate } from '../../live/faults.ts';
import { parseQuantity } from '../../ui/quantity.ts';

export type FaultPlace = (typeof FAULT_PLACES)[FaultKind];

/** What a node or an edge of the running version is to faults; null where none can be put. */
export function placeOf(graph: FlowGraph, recordId: string): FaultPlace | null {
  const node = graph.nodes.get(recordId);
  if (node) {
    const family = familyOf(node.kind);
    return family === 'producer' ? null : family;
  }
  const edge = graph.document.edges.find(({ id }) => id === recordId);
  const role = edge && edgeRole(graph, edge);
  if (role === undefined) return null;
  return role === 'subscribe' ? 'edge-from-topic' : 'edge-to-topic';
}

export function kindsAt(place: FaultPlace | null): FaultKind[] {
  return FAULT_KINDS.filter((kind) => FAULT_PLACES[kind] === place);
}

export const FAULT_EXPLAINED: Readonly<Record<FaultKind, string>> = {
  crash: 'The instance dies. What it had in hand is handled again by others; it joins again when healed.',
  pause: 'Nothing is handed out. Messages wait.',
  slow: 'Every outcome arrives later, by so much per message.',
  fail: 'Attempts end as failed, though the code would not fail.',
  duplicate: 'Messages are appended twice under one id, as by a producer that tries again.',
  delay: 'Messages are handed out so long after they were appended.',
  reorder: 'Messages are handed out in another order than they lie in.',
  'lost-acks': 'Appends land, but whoever made them is not told, and makes them again.',
  'refuse-appends': 'Appends are refused: producers wait, attempts fail.',
  corrupt: 'Payloads are mangled on their way.',
};

/** What the form holds: texts as they were typed, so that nothing typed is lost while it does not fit. */
export type FaultDraft = {
  kind: FaultKind;
  ratePercent: string;
  delay: string;
  instance: number | null;
  partition: number | null;
  /** Null: until somebody heals it. */
  duration: string | null;
};

export function draftOf(kind: FaultKind): FaultDraft {
  return {
    kind,
    ratePercent: kind === 'fail' || kind === 'duplicate' || kind === 'corrupt' ? '50' : '100',
    delay: kind === 'delay' ? '5 s' : '500 ms',
    instance: null,
    partition: null,
    duration: null,
  };
}

/** Which parts of its place a fault can be narrowed to. */
export function narrowings(kind: FaultKind): { instance: boolean; partition: boolean } {
  switch (FAULT_PLACES[kind]) {
    case 'consumer':
      return { instance: true, partition: kind !== 'crash' };
    case 'topic':
      return { instance: false, partition: true };
    case 'edge-to-topic':
    case 'edge-from-topic':
      return { instance: false, partition: false };
  }
}

export type DraftFault = { field: 'ratePercent' | 'delay' | 'duration'; sentence: string };
export type SpecReading = { ok: true; spec: FaultSpec } | { ok: false; faults: DraftFault[] };

const DELAY_MS_MAX = 3_600_000;
const DURATION_MS_MAX = 86_400_000;

/** The fault that a form describes, or everything that keeps it from being one. */
export function specOf(draft: FaultDraft, recordId: string): SpecReading {
  const faults: DraftFault[] = [];
  const { kind } = draft;
  const rate = hasRate(kind) ? Number(draft.ratePercent.replace('%', '').trim()) / 100 : 1;
  if (!(rate > 0 && rate <= 1))
    faults.push({ field: 'ratePercent', sentence: 'A share above 0 and up to 100 %.' });
  const delayMs = hasDelay(kind) ? milliseconds(draft.delay) : 0;
  if (delayMs === null || (hasDelay(kind) && delayMs < 1) || delayMs > DELAY_MS_MAX)
    faults.push({ field: 'delay', sentence: 'A time of 1 ms to 1 h, such as 500 ms or 5 s.' });
  const durationMs = draft.duration === null ? null : milliseconds(draft.duration);
  const isTimed = draft.duration !== null;
  if (isTimed && (durationMs === null || durationMs < 1 || durationMs > DURATION_MS_MAX))
    faults.push({ field: 'duration', sentence: 'A time of 1 ms to 24 h, such as 30 s or 10 min.' });
  if (faults.length > 0) return { ok: false, faults };
  const { instance, partition } = narrowings(kind);
  const target = {
    ...(FAULT_PLACES[kind].startsWith('edge') ? { edgeId: recordId } : { nodeId: recordId }),
    ...(instance && draft.instance !== null ? { instance: draft.instance } : {}),
    ...(partition && draft.partition !== null ? { partition: draft.partition } : {}),
  };
  return { ok: true, spec: { kind, target, rate, delayMs: delayMs ?? 0, durationMs } };
}

/** A bare number counts milliseconds. */
function milliseconds(text: string): number | null {
  if (/^\d+$/.test(text.trim())) return Number(text);
  return parseQuantity('duration', text);
}
