import type { RedriveProgress } from '@millrace/shared/deadLetters/redrive.ts';
import type { FlowSettings } from '@millrace/shared/flow/records/settings.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { FinalRunStatus, NodeCounters, RunStatus } from '@millrace/shared/trace/metrics.ts';
import type { Random, RandomState } from '@millrace/shared/util/random.ts';
import type {
  AttemptOutcome,
  EngineAnswers,
  EngineCommand,
  EngineEffect,
  EngineError,
  EngineLog,
  PayloadCheck,
  SourceItem,
  StateWrite,
} from '../io.ts';
import type { ExecutionPlan, PlannedProducer } from '../plan/plan.ts';
import type {
  ConsumerRuntime,
  Counter,
  Entry,
  Flight,
  HandlerTimer,
  Lane,
  OpenAppend,
  Strand,
  TopicRuntime,
} from './consumer.ts';
import type { FaultRuntime } from './faults/faultRuntime.ts';
import type { RecordList } from './recordList.ts';
import type { RedriveJob, Redrives } from './redriveState.ts';
import type { Trouble } from './trouble.ts';

/** All of the core's state. It is created and changed inside `step` only; nobody else sees it. */
export type Core = {
  readonly plan: ExecutionPlan;
  readonly runId: string;
  readonly seed: number;
  readonly settings: FlowSettings;
  readonly checkPayload: PayloadCheck | undefined;
  /** Draws the jitter of retries; ids have generators of their own. */
  readonly random: Random;

  nowMs: number;
  /** When the run was started for the first time; durable. */
  startedMs: number;
  effects: EngineEffect[];
  records: RecordList;
  lines: EngineLog[];

  status: RunStatus;
  /** The status the run ends with once what is in flight is over; null while it goes on. */
  ending: { status: FinalRunStatus; error: EngineError | null } | null;
  /** While a stopped run drains: when it stops waiting for what its topics still hold; null when it does not drain. */
  drainUntilMs: number | null;

  readonly topics: Map<string, TopicRuntime>;
  readonly consumers: ConsumerRuntime[];
  readonly producers: ProducerRuntime[];
  readonly consumersById: Map<string, ConsumerRuntime>;
  readonly producersById: Map<string, ProducerRuntime>;
  readonly counters: Counter[];
  readonly writes: Writes;
  readonly wakes: WakeHeap;
  /** The wake-up the driver knows of; undefined when it has none to rely on. */
  wakeAtMs: number | null | undefined;

  readonly flights: Map<number, Flight>;
  /** Invocations that wait for a write before they begin: what they hold is noted or committed first. */
  prepared: Flight[];
  /** Invocations of instances that have crashed: whatever they answer is refused. */
  readonly fenced: Map<number, Flight>;
  readonly fetches: Map<number, Lane>;
  readonly reads: Map<number, ProducerRuntime>;
  nextId: number;

  careful: Careful;
  /** Lanes of which one message was alone under way when the last process died. */
  crashedLanes: Lane[];
  /** Seeks that wait until what their lanes have in hand is over. */
  seeks: PendingSeek[];
  /** Faults that are on, by id; see `faults/`. */
  readonly faults: Map<string, FaultRuntime>;
  dirtyFaults: FaultRuntime[];
  readonly faultRandom: Random;
  /** Messages that were appended again because a fault kept the first acknowledgement back. */
  readonly repeated: WeakSet<Message>;
  steps: StepQueue;
  ingest: WaitingIngests;
  maintenance: Maintenance;
  redrives: Redrives;
  /** Trace records handed out so far, and those that wait for their write. */
  tracesEmitted: number;
  tracesPending: number;
};

/** What the `cursor` store holds of a producer. */
export type ProducerEntry = {
  cursor: string | null;
  random: RandomState;
  shiftMs: number;
  error?: EngineError;
};

export type ProducerRuntime = {
  planned: PlannedProducer;
  counter: Counter;
  topics: TopicRuntime[];
  random: Random;
  buffer: SourceItem[];
  head: number;
  /** Cursor of the last item read, and of the last one made into a message. */
  readCursor: string | null;
  producedCursor: string | null;
  reading: boolean;
  sourceDone: boolean;
  itemBytesMean: number;
  unacknowledged: number;
  tokens: number;
  pacedMs: number;
  /** How long the run was paused, for producers that wait meanwhile. */
  shiftMs: number;
  pausedAtMs: number | null;
  wakeAtMs: number;
  blocked: string | null;
  /** Why it leaves messages out at the moment (TP6). */
  dropping: string | null;
  /** Why its source cannot be read on; what was read before goes out first, then it is `error`. */
  failure: EngineError | null;
  error: EngineError | null;
  /** The last item that was refused. */
  trouble: Trouble | null;
  inGroup: boolean;
};

/**
 * Work that becomes durable together. One write is under way at a time; what is done meanwhile gathers in the open group.
 * So writes cannot overtake each other, and a refused write can be tried again as it was.
 */
export type WriteGroup = {
  number: number;
  appends: OpenAppend[];
  messages: number;
  bytes: number;
  lanes: Lane[];
  commits: { lane: Lane; offset: number; messages: number }[];
  producers: { producer: ProducerRuntime; messages: number }[];
  state: Map<string, StateWrite>;
  /** Given out once the group is durable. */
  records: RecordList;
  counters: { counter: Counter; values: NodeCounters }[];
  replies: PendingReply[];
  /** Commands that are answered once the group is durable. */
  answers: { requestId: number; value: EngineAnswers[EngineCommand['type']] }[];
  /** Where redrives stand once the group is durable. */
  redrives: Map<RedriveJob, RedriveProgress>;
};

export type PendingReply = {
  requestId: number;
  producer: ProducerRuntime;
  messages: number;
  accepted: { id: string; append: OpenAppend; index: number }[];
  dropped: number;
};

/** Pushed requests that wait for room, oldest first (TP6). */
export type WaitingIngests = { requests: WaitingIngest[]; bytes: number };
export type WaitingIngest = {
  requestId: number;
  producer: ProducerRuntime;
  messages: Message[];
  bytes: number;
  untilMs: number;
};

/** When topics are next cleaned up (TP4); `needed` is false when no topic asks for it. */
export type Maintenance = { needed: boolean; underWay: boolean; dueMs: number };

export type Writes = {
  open: WriteGroup;
  closed: WriteGroup[];
  underWay: { writeId: number; group: WriteGroup } | null;
  retryAtMs: number | null;
  stalled: string | null;
  /** Number of the last durable group. */
  acknowledged: number;
  dirtyCounters: Counter[];
  startedStored: boolean;
};

/** See `careful.ts`. */
export type Careful = { active: boolean; holder: Flight | null; turn: number };

export type PendingSeek = { requestId: number; targets: { lane: Lane; offset: number }[] };

export type StepQueue = {
  waiting: number[];
  current: {
    requestId: number;
    /** Set once something was chosen. */
    chosen: { nodeId: string; messageId: string; correlationId: string } | null;
    /** Group that makes its outcome durable; null while it is being handled. */
    gate: number | null;
  } | null;
};

/** What is handed to an append: where and what, and what becomes of a message that does not fit its schema (TP5). */
export type Placed = {
  topic: TopicRuntime;
  partition: number;
  message: Message;
  misfit: Misfit | null;
};
export type Misfit =
  | { policy: 'flag'; error: EngineError }
  /** Goes to the dead letters of `home`; `original` is what should have been appended there. */
  | { policy: 'dead-letter'; error: EngineError; home: TopicRuntime; original: Message };

/** Why the core wants to be woken. Entries are never removed early: one that is out of date finds nothing to do. */
export type Wake =
  | { kind: 'lane'; lane: Lane }
  | { kind: 'strand'; strand: Strand }
  /** A message that was passed by others while it waited for its retry. */
  | { kind: 'retry'; lane: Lane; entry: Entry }
  /** A fault heals by itself. */
  | { kind: 'fault'; id: string }
  /** Outcomes that a fault has held back. */
  | { kind: 'late'; invocationId: number; outcomes: AttemptOutcome[] }
  | { kind: 'timer'; timer: HandlerTimer }
  | { kind: 'write' }
  | { kind: 'producer' };

export type WakeEntry = { atMs: number; order: number; wake: Wake };

/** A binary heap by (time, order of arrival), so that equal times fire in the order in which they were set. */
export type WakeHeap = { entries: WakeEntry[]; order: number };
