import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { EventName, EventOf } from '@millrace/shared/protocol/catalog.ts';
import type { TraceReader } from '../trace/traceReader.ts';

export type BrowsedEntry = StoredMessage & { partition: number };

/**
 * Read access to the messages of a run, live or over, without talking to its process. The composition root decides which
 * broker's log that is. Errors are those of the broker port.
 */
export interface MessageLog {
  topics(): { topic: string; partitions: number }[];
  /** First and next offset of each partition. */
  offsets(topic: string): { start: number; end: number }[];
  read(request: {
    topic: string;
    partition: number;
    fromOffset: number;
    messagesMax: number;
    bytesMax: number;
  }): { messages: StoredMessage[] };
  /** Durable entries of one store of the run's engine. */
  stateOf(store: string): { key: string; value: string }[];
  readNewest(
    topic: string,
    limit: number,
    filter?: { key?: string; partition?: number },
  ): { messages: BrowsedEntry[] };
  offsetAtTime(topic: string, partition: number, timeMs: number): number;
  /** Keys for which a node keeps state, and timers it has set. */
  stateSizes(): { keys: Record<string, number>; timers: Record<string, number> };
  close(): void;
}

/** How the gateway opens what a run has written; both get the folder of the run. */
export type RunReaders = {
  openTraces(folder: string): TraceReader;
  openMessages(folder: string): MessageLog;
};

/** Says something to every page, or to those in a room. */
export type Broadcast = {
  toAll<Name extends EventName>(event: Name, payload: EventOf<Name>): void;
  toFlow<Name extends EventName>(flowId: string, event: Name, payload: EventOf<Name>): void;
};

/** One connected page, as the rest of the gateway sees it. */
export interface Client {
  readonly id: string;
  readonly clientId: string;
  emit<Name extends EventName>(event: Name, payload: EventOf<Name>): void;
  sendFrame(runId: string, skipped: number, frame: Uint8Array, acknowledge: () => void): void;
  /** True while what was sent before has not left this machine yet. */
  isBusy(): boolean;
  openFlow(flowId: string): void;
}
