import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';

/** What the page has open. One flow at a time; it lives as long as that flow stays on screen. */
export type Session = {
  flowId: string | null;
  flowName: string;
  /** The newest published version; 0 before the first run. */
  version: number;
  /** The run in progress of this flow, or null. */
  activeRunId: string | null;
};

const CLOSED: Session = { flowId: null, flowName: '', version: 0, activeRunId: null };

export const session = createStore<Session>(() => CLOSED);

export function useSession<Value>(select: (state: Session) => Value): Value {
  return useStore(session, select);
}

export function closeSession(): void {
  session.setState(CLOSED, true);
}
