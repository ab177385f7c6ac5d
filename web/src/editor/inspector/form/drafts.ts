import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';

/** Texts that are being typed or do not fit; the oldest goes first. */
const DRAFTS_MAX = 500;

/**
 * What a person has typed and the document does not hold, by field. It outlives the field: selecting another node and
 * coming back loses nothing. View state of this tab.
 */
const drafts = createStore<ReadonlyMap<string, string>>(() => new Map());

export function useDraft(key: string): string | undefined {
  return useStore(drafts, (all) => all.get(key));
}

export function setDraft(key: string, text: string): void {
  const next = new Map(drafts.getState());
  next.delete(key);
  next.set(key, text);
  const [oldest] = next.keys();
  if (next.size > DRAFTS_MAX && oldest !== undefined) next.delete(oldest);
  drafts.setState(next, true);
}

export function dropDraft(key: string): void {
  if (!drafts.getState().has(key)) return;
  const next = new Map(drafts.getState());
  next.delete(key);
  drafts.setState(next, true);
}
