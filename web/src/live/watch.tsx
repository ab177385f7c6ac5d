import type { FlowGraph } from '@millrace/shared/flow/graph.ts';
import type { RequestOf, ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import { createContext, type ReactNode, use } from 'react';
import type { LiveRun } from './liveRun.ts';
import { useSignal } from './useSignal.ts';

/** Questions about the watched run that the server answers: what no longer is, or never was, in this tab's buffers. */
export interface RunReader {
  listTraces(query: Omit<RequestOf<'trace.list'>, 'runId'>): Promise<ResponseOf<'trace.list'>>;
  getTrace(correlationId: string): Promise<ResponseOf<'trace.get'>>;
  readTopic(query: Omit<RequestOf<'topic.read'>, 'runId'>): Promise<ResponseOf<'topic.read'>>;
  getMessage(position: MessageRef): Promise<ResponseOf<'message.get'>>;
}

export type MessageRef = { topicId: string; partition: number; offset: number };
/** What a trace passes on the drawing. */
export type LitPath = { nodeIds: ReadonlySet<string>; edgeIds: ReadonlySet<string> };
export type WatchTab = 'traces' | 'messages' | 'dead-letters' | 'faults' | 'metrics' | 'problems' | 'logs';

/** What the panels ask of the page around them. */
export interface WatchHost {
  showNode(nodeId: string): void;
  /** Of an edge that was drawn away meanwhile, nothing is shown. */
  showEdge(edgeId: string): void;
  openTab(tab: WatchTab): void;
  /** Lights a path on the canvas and dims the rest; null brings all back. */
  light(path: LitPath | null): void;
}

/** Rule RN5: handles again, in a new run, what comes from a message on. */
export type HandlingAgain = {
  /** Why it cannot be done now; null when it can. */
  refusal: string | null;
  from(message: MessageRef): void;
};

export type Watch = {
  live: LiveRun | null;
  reader: RunReader | null;
  host: WatchHost;
  handlingAgain: HandlingAgain;
};

const WatchContext = createContext<Watch | null>(null);

export function WatchProvider({ watch, children }: { watch: Watch; children: ReactNode }) {
  return <WatchContext value={watch}>{children}</WatchContext>;
}

export function useWatch(): Watch {
  const watch = use(WatchContext);
  if (!watch) throw new Error('Invariant broken: useWatch outside WatchProvider');
  return watch;
}

/** The watched run, its summary and its wiring; renders again when one of them changes. */
export function useLiveRun(): { live: LiveRun | null; graph: FlowGraph | null } {
  const { live } = useWatch();
  useSignal(live?.changed ?? null);
  return { live, graph: live?.graph ?? null };
}
