import type { JsonText, Message, StoredMessage } from '@millrace/shared/message/message.ts';
import type { NodeCounters } from '@millrace/shared/trace/metrics.ts';
import type { Append, EngineError } from '../io.ts';
import type { PlannedConsumer, PlannedTopic } from '../plan/plan.ts';
import type { Place } from './recordList.ts';
import type { Trouble } from './trouble.ts';

/** The state of the consuming side of the core. Created and changed inside `step` only. */

export type Subscription = {
  edgeId: string;
  consumer: ConsumerRuntime;
  topic: TopicRuntime;
  lanes: Lane[];
  /** Messages, and about their bytes, between the committed offsets and the ends, those on their way to the log included. */
  backlog: number;
  backlogBytes: number;
  /** How far it may fall behind (TP6). */
  backlogMax: number;
  backlogBytesMax: number;
};

export type ConsumerRuntime = {
  planned: PlannedConsumer;
  counter: Counter;
  subscriptions: Subscription[];
  /** Every topic it may write to, dead letters included. */
  outputTopics: TopicRuntime[];
  seed: number;
  /** Lanes that may have something to do, first come first served. */
  ready: Lane[];
  group: Group;
  flights: number;
  /** One when keys of its state can be reached through several topics; else unlimited, each instance has its own limit. */
  flightsMax: number;
  /** Running mean of an attempt's duration; null before the first. */
  meanUs: number | null;
  windowMessages: number;
  windowBytes: number;
  /** `ctx.state`: scope → name → value. */
  state: Map<string, Map<string, JsonText>>;
  stateEntries: number;
  timers: Map<string, HandlerTimer>;
  /** Rule DL6; null for a consumer that handles what it is given. */
  dedup: Dedup | null;
  /** Errors that another attempt cannot mend (DL3). */
  exceptFor: ReadonlySet<string>;
  /** A failure never holds up what is behind it, so that a batch is not given up for it (DL8). */
  goesOn: boolean;
  pace: Pace | null;
  trouble: Trouble | null;
};

/** The members of a consumer group (CG2). */
export type Group = {
  generation: number;
  paused: boolean;
  instances: Instance[];
};

export type Instance = {
  index: number;
  up: boolean;
  /** Counts its crashes: what an invocation of an earlier life answers is refused. */
  epoch: number;
  flights: number;
};

/** What an idempotent consumer remembers of the keys it handled. */
export type Dedup = {
  /** Key → when it was handled, oldest first. */
  seen: Map<string, number>;
  /** Keys that are being handled. */
  pending: Set<string>;
  /** Lanes that wait for one of them. */
  waiting: Lane[];
};

/** A token bucket: tokens grow with time, every message takes one. */
export type Pace = { perSecond: number; burst: number; tokens: number; atMs: number };

/** One partition of one subscription: the unit of commits (CG4), assignment (CG2) and blocking (DL8). */
export type Lane = {
  consumer: ConsumerRuntime;
  subscription: Subscription;
  topic: TopicRuntime;
  partition: number;
  /** Key of this lane in the `lane` store. */
  entryKey: string;
  keylessScope: string;
  /** Index of the instance that owns it, -1 for none. */
  owner: number;
  /** The instance it goes to once what the owner has in hand is over. */
  nextOwner: number;
  /** Messages from `finished` on, in order; those before `head` are over. */
  window: Entry[];
  head: number;
  windowBytes: number;
  /** How many entries of the window are over though one before them is not. */
  ahead: number;
  /** How many have failed and wait for another attempt. */
  tried: number;
  /** Messages that are handled one after the other: all of the partition, or those of one key. */
  strands: Map<string, Strand>;
  /** Strands that may have something to invoke. */
  readyStrands: Strand[];
  flights: number;
  fetchFrom: number;
  fetchId: number | null;
  fetchFailures: number;
  /** No fetch before this time. */
  fetchAtMs: number;
  /** Everything below is finished; durable up to `committed`, asked to be up to `committing`. */
  finished: number;
  committing: number;
  committed: number;
  /** How many bytes stand before it (TP6). */
  committedBytes: number;
  /** With `at-least-once`: what a write that is on its way already holds the effects of (DL1). */
  settled: number;
  settledMessages: number;
  /** Where it goes on after a range that was deleted (TP4). */
  jumpTo: number;
  /** Messages that are finished and not yet in a closed write, and all that are not yet durable. */
  finishedMessages: number;
  unacknowledged: number;
  /** True when the `lane` store holds an entry of this lane. */
  entryStored: boolean;
  /** With `at-least-once`: failures of messages that are over, until the write group after this one commits them. */
  closedTries: { offset: number; history: AttemptHistory; group: number }[];
  /** The same for messages that were noted as over while one before them was not. */
  closedDone: { offset: number; group: number }[];
  /** Messages have ended since the last write that said which are over. */
  endedUnsaid: boolean;
  /** Offsets written down as being under way, after a crash or with `at-most-once`. */
  noted: number[];
  taken: number[];
  /** What the `lane` store said of messages that have not been read yet. */
  restoredDone: Set<number>;
  restoredTries: Map<number, AttemptHistory>;
  redeliveredUntil: number;
  queued: boolean;
  /** Listed in the open write group. */
  inGroup: boolean;
  /** After a crash: go carefully below this offset, and one message at a time with the suspects. */
  carefulUntil: number;
  suspects: Set<number>;
};

/** A message in the window of a lane. */
export type Entry = {
  stored: StoredMessage;
  strand: Strand;
  phase: 'waiting' | 'flying' | 'done';
  attempts: AttemptHistory | null;
  retryAtMs: number;
  /** No attempt before the write group with this number is durable. */
  gate: number;
  /** The attempt whose delivery was traced last. */
  traced: number;
  /** Handed out before, to an instance that is gone. */
  again: boolean;
  /** Number of the write group that holds its effects. */
  doneGroup: number;
  /** What tells its duplicates; undefined until somebody asked. */
  dedupKey: string | undefined;
};

export type Strand = {
  lane: Lane;
  key: string;
  /** True where its messages must not be handled side by side. */
  exclusive: boolean;
  /** Waiting entries, in order; those before `head` are gone. */
  queue: Entry[];
  head: number;
  timers: HandlerTimer[];
  flights: number;
  /** Its first message waits for a retry until then. */
  retryAtMs: number;
  /** A fault holds its first message back. */
  held: boolean;
  /** In `lane.readyStrands`. */
  queued: boolean;
};

export type ErrorNote = { code: EngineError['code']; message: string; stack: string; atMs: number };
export type AttemptHistory = { attempts: number; first: ErrorNote; last: ErrorNote };

/** A durable timer that `ctx.schedule` set. */
export type HandlerTimer = {
  id: string;
  node: string;
  topic: string;
  partition: number;
  scope: string;
  key: string | null;
  dueMs: number;
  causeId: string;
  correlationId: string;
  data: JsonText;
  history: AttemptHistory | null;
  /** What a timer that comes back from the dead letters brings along (DL5). */
  extensions?: Message['extensions'];
};

/** An invocation, prepared or under way: entries of one lane, or due timers of one strand. */
export type Flight = {
  id: number;
  lane: Lane;
  entries: Entry[];
  timers: HandlerTimer[];
  strands: Strand[];
  instance: Instance;
  epoch: number;
  /** Begins when the write group with this number is durable. */
  gate: number;
  careful: boolean;
  /** Chosen by a step of a paused run (RN2). */
  forStep: boolean;
  /** Its messages were committed before it began (DL1). */
  committedFirst: boolean;
  /** Its outcomes were held back by a fault, and are not again. */
  late: boolean;
};

/** What was attempted. */
export type Subject = {
  message: Message;
  place: { topic: string; partition: number; offset: number };
  entry: Entry | null;
  timer: HandlerTimer | null;
  history: AttemptHistory | null;
};

/** One node's counters: `issued` counts all work done, `acknowledged` what of it is durable and may be shown. */
export type Counter = { node: string; issued: NodeCounters; acknowledged: NodeCounters; dirty: boolean };

export type TopicRuntime = {
  planned: PlannedTopic;
  counter: Counter;
  /** First and next offset of each partition, acknowledged. */
  starts: number[];
  ends: number[];
  /** How many bytes stand before an offset of each partition; kept only where somebody reads (TP6). */
  sizes: ByteMarks[];
  /** The append that the open group holds for each partition. */
  openAppends: (OpenAppend | null)[];
  sticky: number;
  stickyCount: number;
  /** What traces say of a message on its way to this topic: it has no position yet. */
  unplaced: Place;
  readers: Subscription[];
  /** The last payload that does not fit its schema (TP5). */
  trouble: Trouble | null;
};

export type OpenAppend = { topic: TopicRuntime; append: Append; base: number; bytes: number };

/** See `backlog.ts`. */
export type ByteMarks = { total: number; marks: { offset: number; bytes: number }[] };
