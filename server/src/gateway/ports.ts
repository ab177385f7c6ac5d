import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { EventName, EventOf, RequestOf, ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { TraceReader } from '../trace/traceReader.ts';

/** Read access to the messages of a run, live or over. The composition root decides which broker's log that is. */
export interface TopicReader {
  read(query: Omit<RequestOf<'topic.read'>, 'runId'>): ResponseOf<'topic.read'>;
  message(topic: string, partition: number, offset: number): ResponseOf<'message.get'>['message'];
  /** First and next offset of each partition; empty for an unknown topic. */
  offsets(topic: string): { start: number; end: number }[];
  /** Whole messages from `fromOffset` on, in order; empty at the end. */
  messages(topic: string, partition: number, fromOffset: number, messagesMax: number): StoredMessage[];
  close(): void;
}

/** How the gateway opens what a run has written; both get the folder of the run. */
export type RunReaders = {
  openTraces(folder: string): TraceReader;
  openTopics(folder: string): TopicReader;
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
