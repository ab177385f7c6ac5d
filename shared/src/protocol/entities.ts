import { z } from 'zod';
import { errorDataSchema } from '../errors/workbenchError.ts';
import { flowIdSchema } from '../flow/ids.ts';
import { nodeCountersSchema, runStatusSchema } from '../trace/metrics.ts';
import { TRACE_KINDS } from '../trace/record.ts';

export const flowSummarySchema = z.strictObject({
  id: flowIdSchema,
  name: z.string(),
  description: z.string(),
  nodes: z.int(),
  /** Counts the patches applied to the draft. */
  revision: z.int(),
  /** The newest published version; 0 before the first. */
  version: z.int(),
  updatedMs: z.number(),
  activeRunId: z.string().nullable(),
  /** Kinds of its nodes with their positions, and which of them are connected, for a thumbnail on the start screen. */
  thumbnail: z.strictObject({
    nodes: z.array(
      z.strictObject({ family: z.enum(['producer', 'topic', 'consumer']), x: z.number(), y: z.number() }),
    ),
    /** Places in the list of nodes. */
    edges: z.array(z.strictObject({ from: z.int(), to: z.int() })),
  }),
});
export type FlowSummary = z.infer<typeof flowSummarySchema>;

export const runNoticeSchema = z.strictObject({
  timeMs: z.number(),
  level: z.enum(['info', 'warning', 'error']),
  message: z.string(),
  error: errorDataSchema.optional(),
});
export type RunNotice = z.infer<typeof runNoticeSchema>;

/** Rule RN1. */
export const runSummarySchema = z.strictObject({
  id: z.string(),
  flowId: flowIdSchema,
  flowName: z.string(),
  version: z.int(),
  engine: z.enum(['embedded', 'memory']),
  durability: z.enum(['fsync', 'relaxed']),
  seed: z.int(),
  status: runStatusSchema,
  createdMs: z.number(),
  startedMs: z.number().nullable(),
  endedMs: z.number().nullable(),
  /** How often its process died and was started again. */
  restarts: z.int(),
  /** The run whose messages it handles again, null for a run of its own (RN5). */
  forkedFrom: z
    .strictObject({ runId: z.string(), topicId: z.string(), partition: z.int(), offset: z.int() })
    .nullable(),
  error: errorDataSchema.nullable(),
  counters: z.record(z.string(), nodeCountersSchema),
});
export type RunSummary = z.infer<typeof runSummarySchema>;

export const traceRecordSchema = z.strictObject({
  kind: z.enum(TRACE_KINDS),
  timeMs: z.number(),
  nodeId: z.string(),
  messageId: z.string(),
  correlationId: z.string(),
  causationId: z.string().nullable(),
  messageType: z.string(),
  key: z.string().nullable(),
  topic: z.string().nullable(),
  partition: z.int(),
  offset: z.int(),
  attempt: z.int(),
  durationUs: z.number(),
  errorCode: errorDataSchema.shape.code.nullable(),
  errorMessage: z.string().nullable(),
  detail: z.string().nullable(),
});

export const traceSummarySchema = z.strictObject({
  correlationId: z.string(),
  rootType: z.string(),
  rootNodeId: z.string(),
  key: z.string().nullable(),
  startedMs: z.number(),
  lastMs: z.number(),
  records: z.int(),
  messages: z.int(),
  failures: z.int(),
  faults: z.int(),
  open: z.int(),
  unresolved: z.int(),
  status: z.enum(['ok', 'running', 'retried', 'failed', 'dead-lettered']),
});

/** A message as the topic browser shows it. `data` is JSON text, cut at 64 KiB with `truncated` set. */
export const browsedMessageSchema = z.strictObject({
  partition: z.int(),
  offset: z.int(),
  id: z.string(),
  type: z.string(),
  source: z.string(),
  timeMs: z.number(),
  appendedMs: z.number(),
  key: z.string().nullable(),
  correlationId: z.string(),
  causationId: z.string().nullable(),
  extensions: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  data: z.string(),
  bytes: z.int(),
  truncated: z.boolean(),
});
export type BrowsedMessage = z.infer<typeof browsedMessageSchema>;

/** Dead letters of one topic that failed for the same reason. */
export const deadLetterCauseSchema = z.strictObject({
  /** As `causeOf` names it; what a redrive selects by. */
  cause: z.string(),
  nodeId: z.string(),
  errorCode: z.string(),
  /** The last error of the newest of them. */
  error: z.string(),
  count: z.int(),
  /** How many of them were sent back. */
  redriven: z.int(),
  firstMs: z.number(),
  lastMs: z.number(),
  /** The newest of them, to look at. */
  sample: z.strictObject({ partition: z.int(), offset: z.int() }),
});
export type DeadLetterCause = z.infer<typeof deadLetterCauseSchema>;

export const deadLetterTopicSchema = z.strictObject({
  topicId: z.string(),
  name: z.string(),
  total: z.int(),
  causes: z.array(deadLetterCauseSchema),
});
export type DeadLetterTopic = z.infer<typeof deadLetterTopicSchema>;

export const logLineSchema = z.strictObject({
  seq: z.int(),
  timeMs: z.number(),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  nodeId: z.string(),
  message: z.string(),
  messageId: z.string().nullable(),
  correlationId: z.string().nullable(),
});
export type LogLine = z.infer<typeof logLineSchema>;

export const sampleSummarySchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  nodes: z.int(),
  thumbnail: flowSummarySchema.shape.thumbnail,
});
export type SampleSummary = z.infer<typeof sampleSummarySchema>;
