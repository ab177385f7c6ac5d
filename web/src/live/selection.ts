import { create } from 'zustand';
import type { MessageRef } from './watch.tsx';

/** What is selected in the run that is watched: view state of this tab, gone with the run. */
type Selection = {
  traceId: string | null;
  message: MessageRef | null;
  /** Topic shown in the browser. */
  topicId: string | null;
  selectTrace(correlationId: string | null): void;
  selectMessage(message: MessageRef | null): void;
  selectTopic(topicId: string | null): void;
  reset(): void;
};

export const useSelection = create<Selection>((set) => ({
  traceId: null,
  message: null,
  topicId: null,
  selectTrace: (traceId) => set({ traceId }),
  selectMessage: (message) => set(message ? { message, topicId: message.topicId } : { message }),
  selectTopic: (topicId) => set({ topicId, message: null }),
  reset: () => set({ traceId: null, message: null, topicId: null }),
}));
