import type { ErrorCode } from '../errors/codes.ts';
import { spanIdOf, traceIdOf } from '../message/ids.ts';
import type { TraceKind, TraceRecord, TraceStatus } from './record.ts';
import { mergeSummary } from './summary.ts';

/** How a span ended; `running` has not. A send is ok once it is durable. */
export type SpanStatus = 'ok' | 'running' | 'failed' | 'timed-out' | 'crashed' | 'rejected';

/** Something that happened within a span: a retry scheduled, a skip, a dead letter. */
export type SpanEvent = { kind: TraceKind; timeMs: number; detail: string | null };

/**
 * One step of a message, named as OpenTelemetry's messaging conventions name it (TR6): `send <topic>` is the way of a
 * message into one topic, `process <topic>` is one attempt of one consumer at it.
 */
export type Span = {
  /** Unique in its trace. */
  id: string;
  parentId: string | null;
  /** Steps from the root: 0 for what started the trace. */
  depth: number;
  name: string;
  operation: 'send' | 'process';
  /** Who did it: the producer or consumer. For a send that nobody is known to have made, the topic. */
  nodeId: string;
  /** Node id of the topic; null for a send that never reached one. */
  topic: string | null;
  messageId: string;
  causationId: string | null;
  messageType: string;
  key: string | null;
  partition: number;
  offset: number;
  /** From 1; 0 for sends. */
  attempt: number;
  startMs: number;
  /** Null while it runs. */
  endMs: number | null;
  status: SpanStatus;
  deadLettered: boolean;
  errorCode: ErrorCode | null;
  errorMessage: string | null;
  events: SpanEvent[];
  /** Spans that this one follows without being inside them: the attempts before it. */
  links: string[];
};

/** One hop of the lit path, from node to node as the drawing's edges go. */
export type TraceHop = {
  source: string;
  target: string;
  role: 'publish' | 'subscribe' | 'dead-letter';
  firstMs: number;
  messages: number;
  failures: number;
};

export type TraceModel = {
  correlationId: string;
  /** W3C trace id. */
  traceId: string;
  /** In tree order: each span is followed by those it caused, by time. */
  spans: Span[];
  startMs: number;
  /** When the last thing known of it happened. */
  endMs: number;
  status: TraceStatus;
  hops: TraceHop[];
  /** Nodes in the order in which the trace reached them. */
  nodes: string[];
  messages: number;
  failures: number;
};

const ENDS: Partial<Record<TraceKind, SpanStatus>> = {
  handled: 'ok',
  deduplicated: 'ok',
  failed: 'failed',
  'timed-out': 'timed-out',
  crashed: 'crashed',
  rejected: 'rejected',
};

export type BuildTraceOptions = {
  /** Name of a node, for span names; without it, or for an unknown node, its id. */
  nameOf?: (nodeId: string) => string | undefined;
};

/** Spans, tree and lit path of the records that share a correlation id. The order of the records does not matter. */
export function buildTrace(records: readonly TraceRecord[], options: BuildTraceOptions = {}): TraceModel {
  const ordered = inOrder(records);
  const builder = new TraceBuilder(options.nameOf ?? (() => undefined));
  // Who sent a message is known before it is seen anywhere else, whatever the clocks say.
  for (const record of ordered) if (ORIGINS.has(record.kind)) builder.origin(record);
  for (const record of ordered) builder.add(record);
  const spans = builder.finish();
  const summary = mergeSummary(undefined, ordered);
  const endMs = Math.max(summary.lastMs, ...spans.map((span) => span.endMs ?? span.startMs));
  return {
    correlationId: summary.correlationId,
    traceId: traceIdOf(summary.correlationId),
    spans,
    startMs: Math.min(summary.startedMs, ...spans.map((span) => span.startMs)),
    endMs,
    status: summary.status,
    ...pathOf(spans),
    messages: summary.messages,
    failures: summary.failures,
  };
}

const ORIGINS: ReadonlySet<TraceKind> = new Set(['produced', 'emitted', 'dead-lettered', 'redriven']);

/** By time; records of one moment keep the order in which they were observed. */
function inOrder(records: readonly TraceRecord[]): TraceRecord[] {
  return records
    .map((record, index) => ({ record, index }))
    .sort((a, b) => a.record.timeMs - b.record.timeMs || a.index - b.index)
    .map((entry) => entry.record);
}

class TraceBuilder {
  private readonly nameOf: (nodeId: string) => string | undefined;
  private readonly spans: Span[] = [];
  private readonly ids = new Set<string>();
  /** Who sent a message, by message id and, where the record says so, topic. */
  private readonly origins = new Map<string, TraceRecord>();
  /** Who gave up on a message, by its id and the topic its dead letter goes to. */
  private readonly deadLetters = new Map<string, TraceRecord>();
  private readonly sends = new Map<string, Span>();
  /** The newest attempt, by consumer and message. */
  private readonly attempts = new Map<string, Span>();

  constructor(nameOf: (nodeId: string) => string | undefined) {
    this.nameOf = nameOf;
  }

  origin(record: TraceRecord): void {
    if (record.kind === 'dead-lettered') {
      this.deadLetters.set(sendKey(record.messageId, record.detail), record);
      return;
    }
    const key = sendKey(record.messageId, record.topic);
    if (!this.origins.has(key)) this.origins.set(key, record);
    const anyTopic = sendKey(record.messageId, null);
    if (!this.origins.has(anyTopic)) this.origins.set(anyTopic, record);
  }

  add(record: TraceRecord): void {
    if (record.kind === 'produced' || record.kind === 'emitted') this.send(record);
    else if (record.kind === 'appended') this.appended(record);
    else if (record.kind === 'delivered' || record.kind === 'redelivered') this.delivered(record);
    else if (ENDS[record.kind] !== undefined) this.ended(record, ENDS[record.kind] as SpanStatus);
    else this.noted(record);
  }

  /** A send begins; it is durable when its `appended` follows. */
  private send(record: TraceRecord): void {
    if (record.topic === null) return;
    const key = sendKey(record.messageId, record.topic);
    if (!this.sends.has(key)) this.openSend(record, record, record.topic);
  }

  private appended(record: TraceRecord): void {
    const topic = record.topic ?? record.nodeId;
    const key = sendKey(record.messageId, topic);
    const origin = this.origins.get(key) ?? this.origins.get(sendKey(record.messageId, null));
    const span = this.sends.get(key) ?? this.openSend(record, origin ?? record, topic);
    if (span.endMs !== null) return;
    span.partition = record.partition;
    span.offset = record.offset;
    span.endMs = Math.max(record.timeMs, span.startMs);
    span.status = 'ok';
  }

  private openSend(record: TraceRecord, origin: TraceRecord, topic: string | null): Span {
    const span = this.open(record, 'send', topic, `${spanIdOf(record.messageId, '')}:${topic ?? ''}`);
    const givenUp = this.givenUp(span);
    span.nodeId = (givenUp ?? origin).nodeId;
    span.startMs = Math.min((givenUp ?? origin).timeMs, record.timeMs);
    span.deadLettered = givenUp !== undefined;
    this.sends.set(sendKey(record.messageId, topic), span);
    return span;
  }

  /** Set when this send is that of a dead letter, which has the id of the message given up on or one derived from it. */
  private givenUp({ messageId, causationId, topic }: Span): TraceRecord | undefined {
    const derived = causationId === null ? undefined : this.deadLetters.get(sendKey(causationId, topic));
    return this.deadLetters.get(sendKey(messageId, topic)) ?? derived;
  }

  private delivered(record: TraceRecord): void {
    const key = attemptKey(record);
    const before = this.attempts.get(key);
    if (before?.status === 'running') {
      if (before.attempt === record.attempt && record.kind === 'delivered') return;
      // Delivered again while it ran: its process or its worker went away with it.
      before.status = 'crashed';
      before.endMs = before.startMs;
    }
    const span = this.openProcess(record);
    if (before) span.links.push(before.id);
    if (record.kind === 'redelivered')
      span.events.push({ kind: record.kind, timeMs: record.timeMs, detail: record.detail });
  }

  private openProcess(record: TraceRecord): Span {
    const id = `${spanIdOf(record.messageId, record.nodeId)}:${record.topic ?? ''}:${record.attempt}`;
    const span = this.open(record, 'process', record.topic, id);
    this.attempts.set(attemptKey(record), span);
    return span;
  }

  private ended(record: TraceRecord, status: SpanStatus): void {
    const key = attemptKey(record);
    let span = this.attempts.get(key);
    if (span?.status !== 'running' || span.attempt !== record.attempt) {
      // Refused, or unreadable, before it was handed to anybody: a send that failed.
      if (!span && record.attempt === 0) {
        span = this.openSend(record, record, record.topic);
      } else {
        const before = span;
        span = this.openProcess(record);
        span.startMs = record.timeMs - record.durationUs / 1000;
        if (before) span.links.push(before.id);
      }
    }
    span.status = status;
    span.endMs = Math.max(record.timeMs, span.startMs + record.durationUs / 1000);
    span.errorCode = record.errorCode;
    span.errorMessage = record.errorMessage;
    if (record.kind !== 'handled' && record.detail !== null) {
      span.events.push({ kind: record.kind, timeMs: record.timeMs, detail: record.detail });
    }
  }

  /** What is neither a beginning nor an end is told in the span it belongs to. */
  private noted(record: TraceRecord): void {
    const span =
      this.attempts.get(attemptKey(record)) ??
      this.latestOf(record.nodeId, record.messageId) ??
      this.sendOf(record);
    if (!span) return;
    span.events.push({ kind: record.kind, timeMs: record.timeMs, detail: record.detail });
    if (record.kind === 'dead-lettered') span.deadLettered = true;
  }

  private latestOf(nodeId: string, messageId: string | null): Span | undefined {
    return this.spans.findLast(
      (span) => span.nodeId === nodeId && span.messageId === messageId && span.operation === 'process',
    );
  }

  /** What befalls a message in a topic or on its way there is told where it was sent: at that place, or into that topic. */
  private sendOf({ messageId, nodeId, topic, partition, offset }: TraceRecord): Span | undefined {
    const into = topic ?? nodeId;
    const there = this.spans.find(
      (span) =>
        span.operation === 'send' &&
        span.topic === into &&
        offset >= 0 &&
        span.partition === partition &&
        span.offset === offset,
    );
    return there ?? this.sends.get(sendKey(messageId, into));
  }

  private open(
    record: TraceRecord,
    operation: Span['operation'],
    topic: string | null,
    baseId: string,
  ): Span {
    let id = baseId;
    for (let copy = 2; this.ids.has(id); copy++) id = `${baseId}#${copy}`;
    this.ids.add(id);
    const where = topic ?? record.nodeId;
    const span: Span = {
      id,
      parentId: null,
      depth: 0,
      name: `${operation} ${this.nameOf(where) ?? where}`,
      operation,
      nodeId: record.nodeId,
      topic,
      messageId: record.messageId,
      causationId: record.causationId,
      messageType: record.messageType,
      key: record.key,
      partition: record.partition,
      offset: record.offset,
      attempt: operation === 'send' ? 0 : record.attempt,
      startMs: record.timeMs,
      endMs: null,
      status: 'running',
      deadLettered: false,
      errorCode: null,
      errorMessage: null,
      events: [],
      links: [],
    };
    this.spans.push(span);
    return span;
  }

  /** Parents by causation, then the spans in tree order. */
  finish(): Span[] {
    const children = new Map<string | null, Span[]>();
    for (const span of this.spans) {
      span.parentId = this.parentOf(span)?.id ?? null;
      const siblings = children.get(span.parentId);
      if (siblings) siblings.push(span);
      else children.set(span.parentId, [span]);
    }
    const ordered: Span[] = [];
    const pending = (children.get(null) ?? []).toReversed();
    const byId = new Map(this.spans.map((span) => [span.id, span]));
    for (let span = pending.pop(); span; span = pending.pop()) {
      span.depth = span.parentId === null ? 0 : (byId.get(span.parentId)?.depth ?? 0) + 1;
      ordered.push(span);
      const below = (children.get(span.id) ?? []).sort((a, b) => a.startMs - b.startMs);
      pending.push(...below.toReversed());
    }
    // Records that name each other as cause (only foreign input can) hang on no root; they are shown as roots.
    for (const span of this.spans)
      if (!ordered.includes(span)) ordered.push({ ...span, parentId: null, depth: 0 });
    return ordered;
  }

  private parentOf(span: Span): Span | undefined {
    if (span.operation === 'process') {
      return (
        this.sends.get(sendKey(span.messageId, span.topic)) ??
        this.spans.find((other) => other.operation === 'send' && other.messageId === span.messageId)
      );
    }
    const origin =
      this.origins.get(sendKey(span.messageId, span.topic)) ??
      this.origins.get(sendKey(span.messageId, null));
    const givenUp = this.givenUp(span);
    if (givenUp) return this.latestOf(givenUp.nodeId, givenUp.messageId);
    if (span.causationId === null) return undefined;
    if (origin) return this.latestOf(origin.nodeId, span.causationId);
    return this.spans.findLast(
      (other) => other.operation === 'process' && other.messageId === span.causationId,
    );
  }
}

function sendKey(messageId: string, topic: string | null): string {
  return `${messageId}\n${topic ?? ''}`;
}

function attemptKey(record: TraceRecord): string {
  return `${record.nodeId}\n${record.messageId}\n${record.topic ?? ''}`;
}

function pathOf(spans: readonly Span[]): Pick<TraceModel, 'hops' | 'nodes'> {
  const hops = new Map<string, TraceHop>();
  const reached = new Map<string, number>();
  const reach = (nodeId: string, timeMs: number): void => {
    if (timeMs < (reached.get(nodeId) ?? Number.POSITIVE_INFINITY)) reached.set(nodeId, timeMs);
  };
  const hop = (
    source: string,
    target: string,
    role: TraceHop['role'],
    span: Span,
    messages: number,
  ): void => {
    const key = `${source}\n${target}\n${role}`;
    const entry = hops.get(key) ?? { source, target, role, firstMs: span.startMs, messages: 0, failures: 0 };
    entry.firstMs = Math.min(entry.firstMs, span.startMs);
    entry.messages += messages;
    if (span.status !== 'ok' && span.status !== 'running') entry.failures += 1;
    hops.set(key, entry);
  };
  for (const span of spans) {
    reach(span.nodeId, span.startMs);
    if (span.topic === null || span.topic === span.nodeId) continue;
    reach(span.topic, span.operation === 'send' ? (span.endMs ?? span.startMs) : span.startMs);
    if (span.operation === 'send')
      hop(span.nodeId, span.topic, span.deadLettered ? 'dead-letter' : 'publish', span, 1);
    else hop(span.topic, span.nodeId, 'subscribe', span, span.attempt <= 1 ? 1 : 0);
  }
  return {
    hops: [...hops.values()].sort((a, b) => a.firstMs - b.firstMs),
    nodes: [...reached].sort((a, b) => a[1] - b[1]).map(([nodeId]) => nodeId),
  };
}
