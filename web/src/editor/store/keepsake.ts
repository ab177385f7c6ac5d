import { flowRecordSchema } from '@millrace/shared/flow/records.ts';
import { z } from 'zod';
import type { HistoryStep } from './history.ts';

/** Per flow and tab; browsers give about 5 MB in all. */
const KEEPSAKE_CHARACTERS_MAX = 1_500_000;

const recordOrNull = flowRecordSchema.nullable();
const stepSchema = z.object({
  label: z.string(),
  diff: z.array(z.tuple([z.string(), z.object({ before: recordOrNull, after: recordOrNull })])),
});
const keepsakeSchema = z.object({
  undos: z.array(stepSchema),
  redos: z.array(stepSchema),
  unsent: z.array(z.tuple([z.string(), recordOrNull])),
});

/** What a tab must remember over a reload: its undo steps, and changes that had not reached the server. */
export type Keepsake = {
  undos: readonly HistoryStep[];
  redos: readonly HistoryStep[];
  unsent: [string, z.infer<typeof recordOrNull>][];
};

export interface KeepsakeStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const keyOf = (flowId: string): string => `millrace.editor.${flowId}`;

export function saveKeepsake(storage: KeepsakeStorage, flowId: string, keepsake: Keepsake): void {
  let { undos, redos } = keepsake;
  for (;;) {
    const text = JSON.stringify({
      undos: undos.map(plain),
      redos: redos.map(plain),
      unsent: keepsake.unsent,
    });
    if (text.length <= KEEPSAKE_CHARACTERS_MAX || (undos.length === 0 && redos.length === 0)) {
      try {
        storage.setItem(keyOf(flowId), text);
        return;
      } catch {
        // The storage is full (other flows, other pages): remember less rather than nothing.
        if (undos.length === 0 && redos.length === 0) return;
      }
    }
    undos = undos.slice(Math.ceil(undos.length / 2));
    redos = [];
  }
}

export function loadKeepsake(storage: KeepsakeStorage, flowId: string): Keepsake | null {
  const text = storage.getItem(keyOf(flowId));
  if (text === null) return null;
  try {
    const parsed = keepsakeSchema.parse(JSON.parse(text));
    const step = (saved: z.infer<typeof stepSchema>): HistoryStep => ({
      label: saved.label,
      diff: new Map(saved.diff),
    });
    return { undos: parsed.undos.map(step), redos: parsed.redos.map(step), unsent: parsed.unsent };
  } catch {
    // Written by another version of the page; the steps mean nothing to this one.
    storage.removeItem(keyOf(flowId));
    return null;
  }
}

export function dropKeepsake(storage: KeepsakeStorage, flowId: string): void {
  storage.removeItem(keyOf(flowId));
}

function plain(step: HistoryStep): z.input<typeof stepSchema> {
  return { label: step.label, diff: [...step.diff] };
}
