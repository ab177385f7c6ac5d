/**
 * What handler code sees, as the text of a `.d.ts` file: the editor completes `event` and `ctx` from it, and it is the
 * reference shown beside the code. The sandbox implements exactly this (rules HD1 and HD2).
 */
export const HANDLER_TYPES = `/** The message being handled. */
interface HandlerEvent<Data = any> {
  /** Id of the message. */
  readonly id: string;
  /** CloudEvents type, such as com.example.order.placed. */
  readonly type: string;
  /** Who made it. */
  readonly source: string;
  /** When it happened, as ISO text. */
  readonly time: string;
  /** When it happened, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly subject: string | null;
  /** Partition key; null for a message without one. */
  readonly key: string | null;
  /** Name of the topic it was read from. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** 1 for the first attempt, 2 for the first retry, and so on. */
  readonly attempt: number;
  /** Id that all messages with the same root share. */
  readonly correlationId: string;
  /** Id of the message whose handling emitted this one; null for a root. */
  readonly causationId: string | null;
  /** True when this is a timer of ctx.schedule firing; data is what was scheduled. */
  readonly timer: boolean;
  /** The payload. */
  data: Data;
}

interface EmitOptions {
  /** Partition key of the new message; null for none. */
  key?: string | number | null;
  /** CloudEvents type of the new message. */
  type?: string;
  subject?: string;
}

interface HandlerContext {
  /** Publishes to a connected topic (its name) or an output of this node (such as 'out'), once the attempt succeeds. */
  emit(target: string, data: unknown, options?: EmitOptions): void;
  /** Durable entries of the event's key, kept when the attempt succeeds. */
  readonly state: {
    /** A copy of the entry; undefined when there is none. */
    get<Value = any>(name: string): Value | undefined;
    set(name: string, value: unknown): void;
    delete(name: string): void;
  };
  /** The time of this attempt, in milliseconds since 1970. Date.now() and new Date() tell the same. */
  now(): number;
  /** A number from 0 to 1 from the flow's seed; each attempt draws its own. Math.random() does too. */
  random(): number;
  /** A UUID; a retry of the same message draws the same one. */
  uuid(): string;
  /** Writes a line to the Logs panel. */
  readonly log: {
    (...values: unknown[]): void;
    debug(...values: unknown[]): void;
    info(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    error(...values: unknown[]): void;
  };
  /** Ends the attempt as failed, with a code of your own. */
  fail(code: string, message?: string): never;
  /** Calls handle again after a delay, with event.timer true and this data. */
  schedule(delayMs: number, data?: unknown): void;
}
`;
