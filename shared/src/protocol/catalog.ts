import { z } from 'zod';
import { redrivePartsSchema, redriveProgressSchema } from '../deadLetters/redrive.ts';
import { ERROR_CODES } from '../errors/codes.ts';
import { type ErrorData, errorDataSchema } from '../errors/workbenchError.ts';
import { faultSpecSchema } from '../faults/fault.ts';
import { flowChangeSchema } from '../flow/changes.ts';
import { flowDocumentSchema } from '../flow/document.ts';
import { flowIdSchema, nodeIdSchema } from '../flow/ids.ts';
import { startFromSchema } from '../flow/records/delivery.ts';
import { flowPatchSchema } from '../flow/records.ts';
import { metricsSnapshotSchema } from '../trace/metrics.ts';
import {
  browsedMessageSchema,
  deadLetterTopicSchema,
  flowSummarySchema,
  logLineSchema,
  runNoticeSchema,
  runSummarySchema,
  sampleSummarySchema,
  traceRecordSchema,
  traceSummarySchema,
} from './entities.ts';

const none = z.strictObject({});
const runRef = z.strictObject({ runId: z.string() });
const groupRef = z.strictObject({ runId: z.string(), nodeId: nodeIdSchema });
const redriveRef = z.strictObject({ runId: z.string(), redriveId: z.string() });
const flowState = z.strictObject({
  document: flowDocumentSchema,
  revision: z.int(),
  version: z.int(),
  activeRunId: z.string().nullable(),
});

/**
 * Every request a page can make, with what it sends and gets. A request travels as one Socket.IO event named like the
 * key, with an acknowledgement that carries `Reply`. Both ends parse.
 */
export const REQUESTS = {
  'server.hello': {
    request: none,
    response: z.strictObject({ version: z.string(), protocol: z.int(), ingestBase: z.string() }),
  },

  'flow.list': { request: none, response: z.strictObject({ flows: z.array(flowSummarySchema) }) },
  'flow.open': { request: z.strictObject({ flowId: flowIdSchema }), response: flowState },
  'flow.create': {
    request: z.strictObject({ name: z.string().trim().min(1).max(120) }),
    response: flowState,
  },
  /** The document gets a new id when one with its id exists and `keepId` is false. With `keepId`, an existing flow is refused with FLOW_CONFLICT. */
  'flow.import': {
    request: z.strictObject({ document: z.unknown(), keepId: z.boolean() }),
    response: flowState,
  },
  'flow.createFromSample': { request: z.strictObject({ name: z.string() }), response: flowState },
  'flow.duplicate': { request: z.strictObject({ flowId: flowIdSchema }), response: flowState },
  'flow.delete': { request: z.strictObject({ flowId: flowIdSchema }), response: none },
  /** Patches commute per record; `clientId` comes back in `flow.patched`, so that a tab knows its own. */
  'flow.patch': {
    request: z.strictObject({
      flowId: flowIdSchema,
      clientId: z.string().max(64),
      patchId: z.string().max(64),
      patch: flowPatchSchema,
    }),
    response: z.strictObject({ revision: z.int() }),
  },
  'flow.version': {
    request: z.strictObject({ flowId: flowIdSchema, version: z.int().min(1) }),
    response: z.strictObject({ document: flowDocumentSchema }),
  },
  'sample.list': { request: none, response: z.strictObject({ samples: z.array(sampleSummarySchema) }) },
  'file.list': {
    request: none,
    response: z.strictObject({
      files: z.array(z.strictObject({ name: z.string(), bytes: z.int(), builtIn: z.boolean() })),
    }),
  },

  /** Publishes the draft as a version (unless it equals the newest) and starts a run of it. */
  'run.start': {
    request: z.strictObject({ flowId: flowIdSchema, paused: z.boolean() }),
    response: runSummarySchema,
  },
  'run.list': {
    request: z.strictObject({
      flowId: flowIdSchema.optional(),
      /** Part of the flow's name, the run's id, its status or its error. */
      text: z.string().max(256).optional(),
    }),
    response: z.strictObject({ runs: z.array(runSummarySchema) }),
  },
  'run.pause': { request: runRef, response: runSummarySchema },
  'run.resume': { request: runRef, response: runSummarySchema },
  /** Rule RN2: handles exactly one message of a paused run. `node` says who handled it; null when nothing waits. */
  'run.step': {
    request: runRef,
    response: z.strictObject({
      nodeId: z.string().nullable(),
      messageId: z.string().nullable(),
      correlationId: z.string().nullable(),
    }),
  },
  'run.stop': { request: runRef, response: runSummarySchema },

  /** Faults on a live run. They last until healed, across restarts of its process. */
  'run.injectFault': {
    request: z.strictObject({ runId: z.string(), fault: faultSpecSchema }),
    response: z.strictObject({ faultId: z.string() }),
  },
  /** Without `faultId`, all. */
  'run.healFault': {
    request: z.strictObject({ runId: z.string(), faultId: z.string().nullable() }),
    response: z.strictObject({ healed: z.int() }),
  },
  /** Rule CG3: stops handing out messages to one group; what it has in hand is finished. */
  'run.pauseGroup': { request: groupRef, response: none },
  'run.resumeGroup': { request: groupRef, response: none },
  /** Rule CG2: instances join or leave while the run goes on. */
  'run.scaleGroup': {
    request: z.strictObject({ ...groupRef.shape, instances: z.int().min(1).max(16) }),
    response: none,
  },
  /** Rule CG3: moves a paused group. Without a topic or partition, all of them. Answers where it stands now. */
  'run.seek': {
    request: z.strictObject({
      ...groupRef.shape,
      topicId: z.string().nullable(),
      partition: z.int().min(0).nullable(),
      to: startFromSchema,
    }),
    response: z.strictObject({
      moved: z.array(z.strictObject({ topicId: z.string(), partition: z.int(), from: z.int(), to: z.int() })),
    }),
  },
  /** Rule DL4: the dead letters of a run, grouped by cause. `topicId` null: of all topics that hold some. */
  'deadLetters.causes': {
    request: z.strictObject({ runId: z.string(), topicId: z.string().nullable() }),
    response: z.strictObject({ topics: z.array(deadLetterTopicSchema), truncated: z.int() }),
  },
  /** Rule DL5: one job for all parts. A dry run only counts, and answers with status `done`. */
  'run.redrive': {
    request: z.strictObject({
      runId: z.string(),
      parts: redrivePartsSchema,
      dryRun: z.boolean(),
    }),
    response: redriveProgressSchema,
  },
  'run.cancelRedrive': { request: redriveRef, response: redriveProgressSchema },
  'run.resumeRedrive': { request: redriveRef, response: redriveProgressSchema },
  /** Rule RN4: what the draft would change in the running version. */
  'run.previewReplacement': {
    request: runRef,
    response: z.strictObject({
      /** What the draft is published as. */
      version: z.int(),
      /** Of the draft that was compared. */
      revision: z.int(),
      changes: z.array(flowChangeSchema),
    }),
  },
  /** Publishes the draft and lets the run go on with it. What is expected is what the preview said; else FLOW_CONFLICT. */
  'run.replace': {
    request: z.strictObject({ runId: z.string(), expectedVersion: z.int(), expectedRevision: z.int() }),
    response: runSummarySchema,
  },
  /** Rule RN5: a new run of the newest version that handles again what a topic of this run holds from an offset on. */
  'run.fork': {
    request: z.strictObject({
      runId: z.string(),
      topicId: z.string(),
      partition: z.int().min(0),
      offset: z.int().min(0),
    }),
    response: runSummarySchema,
  },
  'run.delete': { request: runRef, response: none },

  /** Joins the run's stream. `afterSeq` resumes the trace tail (TR5): `gap` says how many records are gone for good. */
  'run.watch': {
    request: z.strictObject({
      runId: z.string(),
      afterSeq: z.int().min(-1).nullable(),
      traces: z.boolean(),
      logs: z.boolean(),
    }),
    response: z.strictObject({
      run: runSummarySchema,
      metrics: metricsSnapshotSchema.nullable(),
      nextSeq: z.int(),
      gap: z.int(),
      notices: z.array(runNoticeSchema),
      logs: z.array(logLineSchema),
    }),
  },
  'run.unwatch': { request: runRef, response: none },

  'trace.list': {
    request: z.strictObject({
      runId: z.string(),
      /** Correlation id, message id, key or part of an event type. */
      text: z.string().max(256).optional(),
      status: z.enum(['ok', 'running', 'retried', 'failed', 'dead-lettered']).optional(),
      nodeId: nodeIdSchema.optional(),
      /** Key of the message that began the trace. */
      key: z.string().max(1024).optional(),
      /** Part of the event type of any of its messages. */
      type: z.string().max(256).optional(),
      /** At least so long from the first record to the last. */
      durationMsMin: z.number().min(0).optional(),
      errorCode: z.enum(ERROR_CODES).optional(),
      limit: z.int().min(1).max(500),
      /** Cursor from the last answer; newest first. */
      before: z.string().optional(),
    }),
    response: z.strictObject({
      traces: z.array(traceSummarySchema),
      next: z.string().nullable(),
      /** All traces stored, whatever was asked for. */
      total: z.int(),
      /** Traces that began, and those of them that sampling left out (TR2); as of the last records stored. */
      begun: z.int(),
      sampledOut: z.int(),
    }),
  },
  'trace.get': {
    request: z.strictObject({ runId: z.string(), correlationId: z.string() }),
    /** `missing` counts records of its beginning that sampling left out before the trace turned out worth keeping. */
    response: z.strictObject({
      records: z.array(traceRecordSchema),
      truncated: z.int(),
      missing: z.int(),
    }),
  },
  'topic.read': {
    request: z.strictObject({
      runId: z.string(),
      topicId: z.string(),
      /** Null reads all partitions, newest first. */
      partition: z.int().min(0).nullable(),
      /** First offset wanted; null reads the newest. */
      fromOffset: z.int().min(0).nullable(),
      key: z.string().max(1024).optional(),
      limit: z.int().min(1).max(500),
    }),
    response: z.strictObject({
      messages: z.array(browsedMessageSchema),
      partitions: z.array(z.strictObject({ start: z.int(), end: z.int() })),
    }),
  },
  'message.get': {
    request: z.strictObject({
      runId: z.string(),
      topicId: z.string(),
      partition: z.int().min(0),
      offset: z.int().min(0),
    }),
    response: z.strictObject({ message: browsedMessageSchema.nullable() }),
  },
} as const;

export type RequestName = keyof typeof REQUESTS;
export type RequestOf<Name extends RequestName> = z.input<(typeof REQUESTS)[Name]['request']>;
export type ResponseOf<Name extends RequestName> = z.output<(typeof REQUESTS)[Name]['response']>;

export type Reply<Value> = { ok: true; value: Value } | { ok: false; error: ErrorData };

/** What the server says on its own. `trace.frame` is the exception: its payload is binary, see `trace/frame.ts`. */
export const EVENTS = {
  'flow.patched': z.strictObject({
    flowId: flowIdSchema,
    revision: z.int(),
    clientId: z.string(),
    patchId: z.string(),
    patch: flowPatchSchema,
  }),
  /** The list of flows, or what a line of it says, has changed. */
  'flow.listChanged': none,
  'flow.deleted': z.strictObject({ flowId: flowIdSchema }),
  'run.changed': runSummarySchema,
  'run.notice': z.strictObject({ runId: z.string(), notice: runNoticeSchema }),
  'run.metrics': metricsSnapshotSchema,
  'run.logs': z.strictObject({ runId: z.string(), lines: z.array(logLineSchema), dropped: z.int() }),
} as const;

export type EventName = keyof typeof EVENTS;
export type EventOf<Name extends EventName> = z.output<(typeof EVENTS)[Name]>;

/**
 * `trace.frame` (runId, skipped, frame, acknowledge): `frame` is an encoded TraceBatch; `skipped` counts records left out
 * since the last frame because this client was slow (TR3). The server keeps at most `TRACE_FRAME_CREDIT` frames unacknowledged.
 */
export const TRACE_FRAME_EVENT = 'trace.frame';
export const TRACE_FRAME_CREDIT = 4;

type ServerEvents = { [Name in EventName]: (payload: EventOf<Name>) => void } & {
  [TRACE_FRAME_EVENT]: (runId: string, skipped: number, frame: Uint8Array, acknowledge: () => void) => void;
};
type ClientEvents = {
  [Name in RequestName]: (request: RequestOf<Name>, reply: (answer: Reply<ResponseOf<Name>>) => void) => void;
};

export type { ClientEvents, ServerEvents };

/** Sent as `auth` of the Socket.IO handshake. */
export const handshakeSchema = z.strictObject({ protocol: z.int(), clientId: z.string().min(1).max(64) });
/** Why a handshake is refused; travels as `data` of the connect error. */
export const refusalSchema = z.discriminatedUnion('reason', [
  z.strictObject({ reason: z.literal('protocol-mismatch'), server: z.int() }),
  z.strictObject({ reason: z.literal('origin-refused') }),
  z.strictObject({ reason: z.literal('handshake-invalid') }),
]);
export { errorDataSchema };
