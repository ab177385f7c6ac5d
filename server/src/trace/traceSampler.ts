import type { Message } from '@millrace/shared/message/message.ts';
import type { TraceKind, TraceRecord } from '@millrace/shared/trace/record.ts';
import {
  expandEntries,
  isRecordRun,
  type RecordRun,
  recordOfRun,
  type TraceEntry,
} from '@millrace/shared/trace/recordRun.ts';
import { hashText } from '@millrace/shared/util/random.ts';
import { PlacesByOffset } from './placesByOffset.ts';
import { NO_RECORD, RecordRing, type RecordRingLimits } from './recordRing.ts';
import { noSampledCounts, type SampledCounts } from './sampledCounts.ts';
import { SamplingRatio } from './samplingRatio.ts';
import { KEPT, OUT, OUT_FOR_GOOD, OUT_SLOW, TraceMemory } from './traceMemory.ts';

/** A trace with one of these is kept, whatever the ratio. Duplicates are not among them: they are many, and counted. */
const TROUBLE: ReadonlySet<TraceKind> = new Set<TraceKind>([
  'failed',
  'timed-out',
  'crashed',
  'rejected',
  'retry-scheduled',
  'dead-lettered',
  'skipped',
  'fault-injected',
  'redriven',
]);

export type SamplerLimits = {
  /** Traces whose decision is remembered. */
  tracesMax: number;
  /** Older ones of which it is only remembered that they are kept. */
  keptTracesMax: number;
  /** Records of traces that were sampled out, kept for a while in case the trace is promoted. */
  ring: RecordRingLimits;
  /** Traces in trouble that are promoted per second, and slow ones: a flow that is behind has no others. */
  troublePerSecondMax: number;
  slowPerSecondMax: number;
};

/** With 36-character ids about 16 MiB of traces and at most 64 MiB of records, taken only as sampling needs them. */
export const SAMPLER_LIMITS: SamplerLimits = {
  tracesMax: 131_072,
  keptTracesMax: 65_536,
  ring: { recordsMax: 262_144, bytesMax: 64 * 1024 * 1024 },
  troublePerSecondMax: 1000,
  slowPerSecondMax: 200,
};

export type SamplerOptions = {
  /** New traces per second up to which all are kept; 0 keeps every trace at any rate. */
  ratePerSecond: number;
  /** A trace, or an attempt, that takes longer is kept. */
  slowMs: number;
  limits?: Partial<SamplerLimits>;
};

/** A promoted trace and how many of its first records are gone for good; 0 when that is not known. */
export type IncompleteTrace = { correlationId: string; missing: number };

/**
 * Keeps whole traces or none (rule TR2). Sits right behind the engine and sees every record, so what it does for a record that
 * is left out has to cost next to nothing.
 */
export interface TraceSampler {
  /** The records to keep, in order: those of a trace that has just been promoted come before the record that did it. */
  sample(entries: readonly TraceEntry[], nowMs: number): TraceRecord[];
  /** Share of new traces kept at the moment. */
  share(): number;
  counts(): SampledCounts;
  /** Incomplete traces since this was asked last. */
  takeIncomplete(): IncompleteTrace[];
}

export function createTraceSampler(options: SamplerOptions): TraceSampler {
  return new Sampler(options);
}

const NO_PLACE = -1;

class Sampler implements TraceSampler {
  readonly #keepsAll: boolean;
  readonly #slowMs: number;
  readonly #limits: SamplerLimits;
  readonly #ratio: SamplingRatio;
  readonly #memory: TraceMemory;
  readonly #ring: RecordRing;
  readonly #placesByOffset = new PlacesByOffset();
  readonly #counts = noSampledCounts();
  #incomplete: IncompleteTrace[] = [];
  #secondEndsMs = Number.NEGATIVE_INFINITY;
  #troubleLeft = 0;
  #slowLeft = 0;

  constructor({ ratePerSecond, slowMs, limits }: SamplerOptions) {
    this.#keepsAll = ratePerSecond === 0;
    this.#slowMs = slowMs;
    this.#limits = { ...SAMPLER_LIMITS, ...limits };
    this.#ratio = new SamplingRatio(ratePerSecond);
    this.#memory = new TraceMemory(this.#limits.tracesMax, this.#limits.keptTracesMax);
    this.#ring = new RecordRing(this.#limits.ring);
  }

  share(): number {
    return this.#ratio.share;
  }

  counts(): SampledCounts {
    return { ...this.#counts };
  }

  takeIncomplete(): IncompleteTrace[] {
    const taken = this.#incomplete;
    if (taken.length > 0) this.#incomplete = [];
    return taken;
  }

  sample(entries: readonly TraceEntry[], nowMs: number): TraceRecord[] {
    this.#tellTime(nowMs);
    const undecided = this.#passAll(entries);
    if (undecided === entries.length) return expandEntries(entries);
    const kept = expandEntries(entries.slice(0, undecided));
    for (let i = undecided; i < entries.length; i++) {
      const entry = entries[i] as TraceEntry;
      if (isRecordRun(entry)) this.#takeRun(entry, kept);
      else this.#take(entry, kept);
    }
    return kept;
  }

  #tellTime(nowMs: number): void {
    this.#ratio.at(nowMs);
    if (nowMs < this.#secondEndsMs) return;
    this.#secondEndsMs = nowMs + 1000;
    this.#troubleLeft = this.#limits.troublePerSecondMax;
    this.#slowLeft = this.#limits.slowPerSecondMax;
  }

  /** While everything is kept, records only have to be looked at for traces that begin; where that ends is returned. */
  #passAll(entries: readonly TraceEntry[]): number {
    let at = 0;
    for (; at < entries.length; at++) {
      if (this.#ratio.halvings > 0 || this.#memory.out > 0) break;
      const entry = entries[at] as TraceEntry;
      if (!isRecordRun(entry)) {
        if (isRoot(entry.kind, entry.attempt, entry.messageId, entry.correlationId))
          this.#pass(entry.correlationId, entry.timeMs);
      } else if (entry.kind === 'produced') {
        for (const { id, correlationId } of entry.messages)
          if (id === correlationId) this.#pass(correlationId, entry.timeMs);
        // When the ratio fell meanwhile, the run has to be taken apart.
        if (this.#memory.out > 0) break;
      }
    }
    return at;
  }

  #pass(correlationId: string, timeMs: number): void {
    // Nothing has to be remembered where nothing is ever left out.
    if (this.#keepsAll) this.#counts.tracesBegun++;
    else if (this.#memory.placeOf(correlationId) === undefined) this.#begin(correlationId, timeMs, true);
  }

  #take(record: TraceRecord, kept: TraceRecord[]): void {
    const { correlationId, timeMs, kind } = record;
    // Rebalances and the like belong to no message.
    if (correlationId === '') {
      kept.push(record);
      return;
    }
    const memory = this.#memory;
    const isFirst = isRoot(kind, record.attempt, record.messageId, correlationId);
    const place = memory.placeOf(correlationId) ?? this.#begin(correlationId, timeMs, isFirst);
    if (memory.decisions[place] !== KEPT && !this.#promotes(correlationId, place, record)) {
      this.#ring.enter(record);
      this.#leaveOut(0, place);
      return;
    }
    if (memory.leftOut[place] !== 0) this.#bringBack(place, correlationId, kept);
    kept.push(record);
  }

  /** The same for a run: what its records share is looked at once. */
  #takeRun(run: RecordRun, kept: TraceRecord[]): void {
    const { messages, offsets, topic, timeMs } = run;
    const memory = this.#memory;
    const { decisions, leftOut, begunMs, serials } = memory;
    const places =
      topic === null || (offsets[0] as number) < 0 ? null : this.#placesByOffset.of(topic, run.partition);
    const mayBegin = mayBeRoot(run.kind, run.attempt);
    // What `#promotes` would refuse at once is not asked: most of what comes by is left out.
    const mayPromote = TROUBLE.has(run.kind) || run.durationUs > this.#slowMs * 1000;
    const slowBeforeMs = timeMs - this.#slowMs;
    let isEntered = false;
    memory.beginRun();
    for (let i = 0; i < messages.length; i++) {
      const offset = offsets[i] as number;
      let place = places === null ? NO_PLACE : places.at(offset, serials);
      if (place === NO_PLACE) {
        place = this.#placeOf(messages[i] as Message, timeMs, mayBegin);
        places?.set(offset, place, serials[place] as number);
      }
      if (decisions[place] !== KEPT) {
        const isWorthAsking = mayPromote || (begunMs[place] as number) < slowBeforeMs;
        if (!isWorthAsking || !this.#promotes((messages[i] as Message).correlationId, place, run)) {
          if (!isEntered) this.#ring.enter(run);
          isEntered = true;
          this.#leaveOut(i, place);
          continue;
        }
      }
      if (leftOut[place] !== 0) this.#bringBack(place, (messages[i] as Message).correlationId, kept);
      kept.push(recordOfRun(run, i));
    }
  }

  #placeOf({ id, correlationId }: Message, timeMs: number, mayBegin: boolean): number {
    const memory = this.#memory;
    if (!mayBegin || id !== correlationId)
      return memory.placeOf(correlationId) ?? this.#begin(correlationId, timeMs, false);
    const hash = hashText(correlationId);
    return memory.placeOfNew(correlationId, hash) ?? this.#begin(correlationId, timeMs, true, hash);
  }

  #leaveOut(index: number, place: number): void {
    const memory = this.#memory;
    memory.last[place] = this.#ring.push(index, memory.last[place] as number);
    memory.leftOut[place] = (memory.leftOut[place] as number) + 1;
    this.#counts.recordsOut++;
  }

  #begin(correlationId: string, timeMs: number, isFirst: boolean, hash = hashText(correlationId)): number {
    if (isFirst) {
      this.#counts.tracesBegun++;
      const decision = this.#ratio.begin(hash) ? KEPT : OUT;
      if (decision === OUT) this.#counts.tracesOut++;
      return this.#memory.add(correlationId, decision, timeMs, false, hash);
    }
    // Forgotten, or begun before a restart: what the ratio says now is the best guess at what it said then.
    const isKept = this.#memory.wasKept(correlationId) || this.#ratio.keeps(hash);
    return this.#memory.add(correlationId, isKept ? KEPT : OUT, timeMs, true, hash);
  }

  /** Whether the record makes its trace, which was sampled out, one to keep. */
  #promotes(correlationId: string, place: number, entry: TraceEntry): boolean {
    const memory = this.#memory;
    const decision = memory.decisions[place];
    if (decision === OUT_FOR_GOOD) return false;
    const isTrouble = TROUBLE.has(entry.kind);
    if (!isTrouble && (decision === OUT_SLOW || !this.#isSlow(entry, place))) return false;
    const hasRoom = isTrouble ? this.#troubleLeft > 0 : this.#slowLeft > 0;
    if (!hasRoom) {
      if (decision === OUT) this.#counts.leftOut++;
      memory.decide(place, isTrouble ? OUT_FOR_GOOD : OUT_SLOW);
      return false;
    }
    if (isTrouble) this.#troubleLeft--;
    else this.#slowLeft--;
    if (decision === OUT_SLOW) this.#counts.leftOut--;
    memory.decide(place, KEPT);
    this.#counts.promoted++;
    // One whose beginning is forgotten was counted as out when it began, if it was.
    if (memory.isBeginningUnknown[place] === 0) this.#counts.tracesOut--;
    else this.#countIncomplete(correlationId, 0);
    return true;
  }

  #isSlow({ timeMs, durationUs }: TraceEntry, place: number): boolean {
    return (
      timeMs - (this.#memory.begunMs[place] as number) > this.#slowMs || durationUs > this.#slowMs * 1000
    );
  }

  #bringBack(place: number, correlationId: string, kept: TraceRecord[]): void {
    const memory = this.#memory;
    const found = this.#ring.chain(memory.last[place] as number);
    const missing = (memory.leftOut[place] as number) - found.length;
    for (const record of found) kept.push(record);
    this.#counts.recordsOut -= found.length;
    memory.leftOut[place] = 0;
    memory.last[place] = NO_RECORD;
    if (missing > 0 && memory.isBeginningUnknown[place] === 0) this.#countIncomplete(correlationId, missing);
  }

  #countIncomplete(correlationId: string, missing: number): void {
    this.#counts.incomplete++;
    this.#incomplete.push({ correlationId, missing });
  }
}

/** The first record of a trace: a message that a producer made, or refused to make. */
function isRoot(kind: TraceKind, attempt: number, messageId: string, correlationId: string): boolean {
  return mayBeRoot(kind, attempt) && messageId === correlationId;
}

function mayBeRoot(kind: TraceKind, attempt: number): boolean {
  return kind === 'produced' || (attempt === 0 && (kind === 'rejected' || kind === 'failed'));
}
