import type { RedrivePart, RedriveProgress } from '@millrace/shared/deadLetters/redrive.ts';
import type { ErrorCode } from '@millrace/shared/errors/codes.ts';
import type { ActiveFault, FaultSpec } from '@millrace/shared/faults/fault.ts';
import type { JsonText, Message, StoredMessage } from '@millrace/shared/message/message.ts';
import type {
  DeadLetterFigures,
  GroupProgress,
  NodeCondition,
  NodeCounters,
  RunStatus,
  SubscriptionProgress,
} from '@millrace/shared/trace/metrics.ts';
import type { TraceEntry } from '@millrace/shared/trace/recordRun.ts';

/**
 * The whole surface of the engine core: what a driver may tell it and what it asks a driver to do.
 *
 * The core is a pure state machine, `step(state, input) → effects`. It has no clock (every input carries `nowMs`), no
 * randomness but its seeded generator, no I/O and no promises. A driver performs the effects, in any order and at any
 * speed, and reports each outcome as an input. The live driver does so with real time, a broker and the sandbox; the
 * virtual-time driver with a simulated clock and the in-memory log.
 *
 * Batches everywhere: one input or effect stands for many messages wherever the path is hot.
 */

export type TopicPartition = { topic: string; partition: number };

export type EngineError = {
  code: ErrorCode;
  message: string;
  /** The code that a person's handler gave to `ctx.fail`; retries can leave it out (DL3). */
  reason?: string;
  /** Stack or source excerpt in terms of the user's code. */
  stack?: string;
};

// ---------------------------------------------------------------------------------------------------- inputs

/** What was committed before, read from the broker by the driver; empty maps for a new run. */
export type RestoredRun = {
  /** First and next offset of each partition of each topic. */
  firsts: Record<string, number[]>;
  ends: Record<string, number[]>;
  /** What each partition of each topic holds, where the broker knows: messages exactly, bytes about. */
  held?: Record<string, { messages: number; bytes: number }[]>;
  /** Committed offsets: group (consumer node id) → topic → partition. Missing: nothing committed yet. */
  commits: Record<string, Record<string, (number | null)[]>>;
  /** First offset for groups that have committed nothing, resolved from their `startFrom` (CG3); same shape. */
  starts: Record<string, Record<string, number[]>>;
  /** Every durable state entry, by store name. See `StateWrite`. */
  state: { store: string; key: string; value: JsonText }[];
  /** True when the last process of this run ended without stopping: the core then goes carefully, see `afterCrash` in the spec. */
  afterCrash: boolean;
  /** How many trace records exist, where the driver knows; the core counts on from there. */
  traceRecords?: number;
};

export type SourceItem = {
  data: JsonText;
  type: string;
  /** Its own id when the record has one (MS2); null: the core makes a UUIDv7. */
  id: string | null;
  /** When it happened; null: the moment of production. */
  timeMs: number | null;
  key: string | null;
  /** Not before this long after the run's first start, in milliseconds; null: as its rate allows. That start is durable, as `started` of the store `run`. */
  dueMs: number | null;
  /** Where reading continues after this item; opaque to the core, saved with the append. */
  cursor: string;
};

/** How one attempt ended, rule DL2. Effects of an attempt that is not `ok` never reach the core. */
export type AttemptOutcome =
  | {
      status: 'ok';
      durationUs: number;
      emits: Emission[];
      /** Writes of `ctx.state`; a null value deletes. */
      state: { name: string; value: JsonText | null }[];
      timers: { delayMs: number; data: JsonText }[];
      logs: HandlerLog[];
    }
  | {
      status: 'failed' | 'timed-out' | 'crashed' | 'rejected';
      durationUs: number;
      error: EngineError;
      logs: HandlerLog[];
    };

export type Emission = {
  /** Name of a connected topic, or id of an output port. */
  target: string;
  data: JsonText;
  type?: string;
  key?: string | null;
  subject?: string;
};

export type HandlerLog = { level: 'debug' | 'info' | 'warn' | 'error'; message: string };

export type EngineInput = { nowMs: number } & (
  | { type: 'start'; restored: RestoredRun; paused: boolean }
  /** Time has passed; sent when the last `wake` is due. */
  | { type: 'tick' }
  | { type: 'pause' }
  | { type: 'resume' }
  /** Rule RN2: exactly one message. Answered by a `stepped` effect. */
  | { type: 'step-one'; requestId: number }
  | { type: 'stop' }
  | { type: 'fetched'; fetchId: number; messages: StoredMessage[]; end: number }
  /** `deleted` says where the log begins now, when what was asked for is not there any more (TP4). */
  | { type: 'fetch-failed'; fetchId: number; error: EngineError; deleted?: { start: number; end: number } }
  /**
   * Outcomes of a prefix of the invocation's deliveries, in order. It ends early after the first that is not ok, or, where
   * the invocation goes on, where whoever performs it saw fit to end it.
   */
  | { type: 'invoked'; invocationId: number; outcomes: AttemptOutcome[] }
  | { type: 'written'; writeId: number; bases: number[] }
  /** Nothing of the write was kept, or it is unknown. Retryable ones (full disk) are tried again by the core, others fail the run. */
  | { type: 'write-failed'; writeId: number; error: EngineError; retryable: boolean }
  | { type: 'sourced'; readId: number; items: SourceItem[]; done: boolean }
  | { type: 'source-failed'; readId: number; error: EngineError }
  /** Messages pushed from outside (HTTP ingest); answered by a `reply` effect once they are durable. */
  | { type: 'ingested'; requestId: number; producer: string; messages: Message[] }
  /** Answered by an `answer` effect. */
  | { type: 'command'; requestId: number; command: EngineCommand }
  /** What `maintain` has done: where partitions begin now, and how many messages went (TP4). */
  | { type: 'maintained'; changed: MaintainedPartition[]; more: boolean }
);

/** `expired` went by retention, `compacted` because a newer message has their key. */
export type MaintainedPartition = TopicPartition & {
  start: number;
  end: number;
  expired: number;
  compacted: number;
};

/** What a person, or the door of the server, asks of a run while it goes on. */
export type EngineCommand =
  /** What was sent to a producer from outside and was no message at all: its node is to say so. */
  | { type: 'note-refusal'; producer: string; error: EngineError }
  | { type: 'inject-fault'; fault: FaultSpec }
  /** Null heals all. */
  | { type: 'heal-fault'; faultId: string | null }
  | { type: 'pause-group'; node: string }
  | { type: 'resume-group'; node: string }
  | { type: 'scale-group'; node: string; instances: number }
  /** Rule CG3. The driver has resolved times and names into offsets. */
  | { type: 'seek'; node: string; positions: (TopicPartition & { offset: number })[] }
  /** Rule DL5. */
  | { type: 'redrive'; parts: RedrivePart[]; dryRun: boolean }
  | { type: 'cancel-redrive'; redriveId: string }
  | { type: 'resume-redrive'; redriveId: string };

export type EngineAnswers = {
  'note-refusal': null;
  'inject-fault': { faultId: string };
  'heal-fault': { healed: number };
  'pause-group': null;
  'resume-group': null;
  'scale-group': null;
  seek: { moved: (TopicPartition & { from: number; to: number })[] };
  redrive: RedriveProgress;
  'cancel-redrive': RedriveProgress;
  'resume-redrive': RedriveProgress;
};

// --------------------------------------------------------------------------------------------------- effects

export type Append = TopicPartition & { messages: Message[] };
export type Commit = TopicPartition & { group: string; offset: number };
/**
 * Durable keyed state. Stores: `cursor` (producer → cursor), `counters` (node → NodeCounters), `timer` (timer id →
 * timer), `lane` (group/topic/partition → what of it is finished or tried past the commit), `run` (random state, clocks),
 * `state:<node id>` (`ctx.state` of a handler), `seen:<node id>` (keys an idempotent consumer remembers), `group` (paused,
 * instances), `fault`, `redrive` (job → where it stands) and `redriven:<topic>` (partition/offset → the job that sent it back).
 */
export type StateWrite = { store: string; key: string; value: JsonText | null };

export type Delivery = {
  message: Message;
  topic: string;
  partition: number;
  offset: number;
  attempt: number;
  /** `ctx.state` entries of the message's key as this attempt may see them; only for nodes that keep state. */
  scope: string;
  /** Set when this is a timer of the handler firing, not a message of a topic. */
  timer: boolean;
};

export type Invocation = {
  invocationId: number;
  node: string;
  /** Which member of the group handles it (CG2); each has code and module variables of its own. */
  instance: number;
  /** Seed of `ctx.random()` and `ctx.uuid()`; each delivery mixes in its message id, and random numbers its attempt. */
  seed: number;
  deliveries: Delivery[];
  /** State entries of the scopes in `deliveries`, where they have any: scope → name → value. */
  state: Record<string, Record<string, JsonText>>;
  /** A failed attempt holds nothing up: whoever can, goes on with the delivery behind it. */
  goesOn: boolean;
};

export type EngineLog = {
  level: HandlerLog['level'];
  nodeId: string;
  message: string;
  messageId: string | null;
  correlationId: string | null;
};

export type EngineEffect =
  /** Replaces the last wake-up. The driver sends `tick` at that time or later. */
  | { type: 'wake'; atMs: number | null }
  | {
      type: 'fetch';
      fetchId: number;
      topic: string;
      partition: number;
      fromOffset: number;
      messagesMax: number;
      bytesMax: number;
    }
  | ({ type: 'invoke' } & Invocation)
  /**
   * Durable before anything of it is acknowledged. Appends are durable before commits are visible; brokers that can make
   * the whole write one atomic step do so. `bases` of the answer are the first offsets of `appends`, in order.
   */
  | { type: 'write'; writeId: number; appends: Append[]; commits: Commit[]; state: StateWrite[] }
  | { type: 'read-source'; readId: number; producer: string; cursor: string | null; itemsMax: number }
  | {
      type: 'reply';
      requestId: number;
      ok: true;
      accepted: { id: string; topic: string; partition: number; offset: number }[];
      /** Messages that were left out because a reader is full and the producer is set to drop (TP6). */
      dropped: number;
    }
  | { type: 'reply'; requestId: number; ok: false; error: EngineError }
  | {
      type: 'stepped';
      requestId: number;
      nodeId: string | null;
      messageId: string | null;
      correlationId: string | null;
    }
  | { type: 'answer'; requestId: number; ok: true; value: EngineAnswers[EngineCommand['type']] }
  | { type: 'answer'; requestId: number; ok: false; error: EngineError }
  /** An instance has crashed (CG2): what its code keeps in memory is gone. */
  | { type: 'reset-instance'; node: string; instance: number }
  /** Rule TP4: apply retention and compaction, one slice of it. Answered by `maintained`. */
  | { type: 'maintain' }
  | { type: 'trace'; entries: TraceEntry[] }
  | { type: 'log'; lines: EngineLog[] }
  | { type: 'status'; status: RunStatus; error: EngineError | null }
  /** Storage refuses writes (`reason`) or takes them again (null). */
  | { type: 'stalled'; reason: string | null };

// -------------------------------------------------------------------------------------------------- observing

/** A view of the core's counters, for metrics; reading it changes nothing. */
export type EngineView = {
  status: RunStatus;
  nodes: Record<string, NodeCounters>;
  conditions: Record<string, NodeCondition>;
  topics: Record<string, { start: number[]; end: number[] }>;
  subscriptions: Record<string, SubscriptionProgress>;
  groups: Record<string, GroupProgress>;
  faults: ActiveFault[];
  redrives: RedriveProgress[];
  deadLetters: Record<string, DeadLetterFigures>;
  stalled: string | null;
};

/** Checks a payload against the schema a topic names (TP5). Built outside the core and handed to it; must be pure. */
export type PayloadCheck = (topicId: string, data: JsonText) => string | null;
