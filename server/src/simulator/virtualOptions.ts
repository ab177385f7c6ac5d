import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import type { MemoryLog } from '../brokers/memory/memoryLog.ts';
import type { Engine } from '../engine/engine.ts';
import type {
  AttemptOutcome,
  EngineCommand,
  EngineEffect,
  EngineError,
  EngineLog,
  EngineView,
  Invocation,
  PayloadCheck,
  SourceItem,
} from '../engine/io.ts';
import type { ExecutionPlan } from '../engine/plan/plan.ts';
import type { FaultPlan } from './faultPlan.ts';
import type { NativeHandler } from './nativeHandler.ts';
import type { Storage, WriteEffect } from './storage.ts';

/** What a producer reads from, as a pure function: the same cursor gives the same items. */
export type VirtualSource = (
  cursor: string | null,
  itemsMax: number,
) => { items: SourceItem[]; done: boolean };

/** The short form of the simplest faults, for the whole of a run. Shares are between 0 and 1, and drawn from the run's seed. */
export type VirtualFaults = {
  /** Writes that storage refuses, as a full disk does. */
  writesRefused?: number;
  /** Attempts that end as failed though the code would not. */
  attemptsFailed?: number;
  /** Times after the start at which the process dies and is started again. */
  crashesAfterMs?: number[];
  /** The process dies while this holds for an invocation; for messages that kill. */
  killedBy?: (invocation: Invocation) => boolean;
};

export type VirtualCommand = { afterMs: number } & (
  | { type: 'pause' | 'resume' | 'stop' }
  | { type: 'step' }
  | { type: 'command'; command: EngineCommand }
  | { type: 'ingest'; producer: string; messages: Message[] }
);

/** What a command, or a pushed request, is answered. */
export type Answer = Extract<EngineEffect, { type: 'answer' | 'reply' }>;

/** Sees what happens outside of the engine, for checkers that must not ask it. */
export interface Witness {
  /** Somebody was handed messages, and answered. */
  began(invocation: Invocation, atMs: number): void;
  /** Its outcomes are on their way to the core. */
  ended(invocation: Invocation, outcomes: AttemptOutcome[], atMs: number): void;
  instanceDied(node: string, instance: number, atMs: number): void;
  processDied(atMs: number): void;
  /** Somebody asks something of the run, and is told what became of it; never, when the process dies before. */
  asked(requestId: number, command: VirtualCommand, atMs: number): void;
  answered(requestId: number, answer: Answer, atMs: number): void;
  /** Of one write, what storage keeps and under which offsets. */
  landed(write: WriteEffect, bases: number[], atMs: number): void;
}

export type VirtualRunOptions = {
  document: FlowDocument;
  seed: number;
  sources: Record<string, VirtualSource>;
  /** Node id → code. Kinds that are code of the engine's own run as they are; sinks that are not named take everything. */
  handlers?: Record<string, NativeHandler>;
  /** Runs invocations instead of `handlers`: a real sandbox, for one. */
  invoke?: (invocation: Invocation, nowMs: number) => AttemptOutcome[];
  checkPayload?: PayloadCheck;
  /** Attempts take a little at least, and up to so much more; less than half a millisecond when left out. */
  attemptUsMax?: number;
  commands?: VirtualCommand[];
  paused?: boolean;
  faults?: VirtualFaults;
  /** What goes wrong, where and from when to when (SM2). */
  faultPlan?: FaultPlan;
  /** Ends the run, as a kill does, at this virtual time after the start. */
  untilMs?: number;
  startMs?: number;
  /** Goes on from what an earlier run left. */
  log?: MemoryLog;
  /** How writes reach the log; whole, when left out. */
  storage?: (log: MemoryLog) => Storage;
  witness?: Witness;
  /** Stands between the driver and the core of each process: a drill that makes the core err from outside. */
  interpose?: (engine: Engine) => Engine;
  /** `counts` keeps neither traces, deliveries and lines nor the digest, for runs that are many or long. */
  keep?: 'everything' | 'counts';
};

export type VirtualRunResult = {
  /** '' where only counts are kept. */
  digest: string;
  traces: TraceRecord[];
  view: EngineView;
  log: MemoryLog;
  plan: ExecutionPlan;
  lines: EngineLog[];
  replies: Extract<EngineEffect, { type: 'reply' }>[];
  steps: Extract<EngineEffect, { type: 'stepped' }>[];
  answers: Extract<EngineEffect, { type: 'answer' }>[];
  statuses: { status: EngineView['status']; error: EngineError | null }[];
  /** Node id → deliveries that ended ok, in order. */
  delivered: Record<string, Invocation['deliveries']>;
  /** How many ended ok. */
  deliveries: number;
  endedMs: number;
  crashes: number;
  refusedWrites: number;
  /** Kind of fault → how often it has done something: one that never fired has tested nothing (SM2). */
  fired: Record<string, number>;
};
