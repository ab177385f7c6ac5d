import { useCallback, useRef, useSyncExternalStore } from 'react';
import type { Signal } from './signal.ts';

const never = (): void => {};

/**
 * Renders again when the signal's listeners are told, at most once per `everyMs`; the returned version is a dependency
 * for memos. What is expensive to render or cannot be read faster asks for a longer interval.
 */
export function useSignal(signal: Signal | null, everyMs = 0): number {
  const seen = useRef(0);
  const subscribe = useCallback(
    (listener: () => void) => {
      if (!signal) return never;
      let timer: ReturnType<typeof setTimeout> | null = null;
      let toldAtMs = Number.NEGATIVE_INFINITY;
      const tell = (): void => {
        timer = null;
        toldAtMs = performance.now();
        seen.current = signal.published;
        listener();
      };
      const leave = signal.subscribe(() => {
        if (timer !== null) return;
        const waitMs = toldAtMs + everyMs - performance.now();
        if (waitMs <= 0) tell();
        else timer = setTimeout(tell, waitMs);
      });
      seen.current = signal.published;
      return () => {
        leave();
        if (timer !== null) clearTimeout(timer);
      };
    },
    [signal, everyMs],
  );
  return useSyncExternalStore(subscribe, () => seen.current);
}

/** Intervals for `useSignal`: figures that tick along, and lists and tables whose rows all change. */
export const FIGURES_MS = 500;
export const ROWS_MS = 300;
