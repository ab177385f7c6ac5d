import { useCallback, useSyncExternalStore } from 'react';
import type { Signal } from './signal.ts';

const never = (): void => {};

/** Renders again when the signal's listeners are told; the returned version is a dependency for memos. */
export function useSignal(signal: Signal | null): number {
  const subscribe = useCallback((listener: () => void) => signal?.subscribe(listener) ?? never, [signal]);
  return useSyncExternalStore(subscribe, () => signal?.published ?? 0);
}
