/** JSON as text. Payloads stay text on their way through the engine and are parsed only where they are read. */
export type JsonText = string;

/**
 * A message as the engine and the brokers carry it. Rule MS1: it is a CloudEvent; `toCloudEvent` gives that form.
 * `traceparent` is stored only for a message that came with one; otherwise it is derived from the correlation id.
 */
export type Message = {
  id: string;
  source: string;
  type: string;
  /** When it happened, in milliseconds since 1970. */
  timeMs: number;
  subject?: string;
  dataschema?: string;
  traceparent?: string;
  /** CloudEvents' `partitionkey`; null for a message without a key. */
  key: string | null;
  correlationId: string;
  /** The message that was being handled when this one was emitted; null for a root. */
  causationId: string | null;
  /** The payload; always JSON. */
  data: JsonText;
  /** Extension attributes beyond those above, such as what a dead letter carries. Names as CloudEvents allows: `[a-z0-9]+`. */
  extensions?: Record<string, string | number | boolean>;
};

/** CloudEvents type of the event a handler sees when a timer of its own fires. */
export const TIMER_TYPE = 'millrace.timer';

/** Where a stored message stands. `topic` is the topic's node id. */
export type MessagePosition = { topic: string; partition: number; offset: number };

export type StoredMessage = { message: Message; offset: number; appendedAtMs: number };
