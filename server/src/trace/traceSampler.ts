import type { TraceKind, TraceRecord } from '@millrace/shared/trace/record.ts';
import { RecordRing, type RecordRingLimits } from './recordRing.ts';
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
  sample(records: TraceRecord[], nowMs: number): TraceRecord[];
  /** Share of new traces kept at the moment. */
  share(): number;
  counts(): SampledCounts;
  /** Incomplete traces since this was asked last. */
  takeIncomplete(): IncompleteTrace[];
}

export function createTraceSampler(options: SamplerOptions): TraceSampler {
  return new Sampler(options);
}

class Sampler implements TraceSampler {
  readonly #keepsAll: boolean;
  readonly #slowMs: number;
  readonly #limits: SamplerLimits;
  readonly #ratio: SamplingRatio;
  readonly #memory: TraceMemory;
  readonly #ring: RecordRing;
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

  sample(records: TraceRecord[], nowMs: number): TraceRecord[] {
    this.#tellTime(nowMs);
    const undecided = this.#passAll(records);
    if (undecided === records.length) return records;
    const kept = records.slice(0, undecided);
    for (let i = undecided; i < records.length; i++) this.#take(records[i] as TraceRecord, kept);
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
  #passAll(records: readonly TraceRecord[]): number {
    let at = 0;
    for (; at < records.length; at++) {
      if (this.#ratio.halvings > 0 || this.#memory.out > 0) break;
      const record = records[at] as TraceRecord;
      if (!isRoot(record)) continue;
      // Nothing has to be remembered where nothing is ever left out.
      if (this.#keepsAll) this.#counts.tracesBegun++;
      else if (this.#memory.placeOf(record.correlationId) === undefined) this.#begin(record);
    }
    return at;
  }

  #take(record: TraceRecord, kept: TraceRecord[]): void {
    const { correlationId } = record;
    // Rebalances and the like belong to no message.
    if (correlationId === '') {
      kept.push(record);
      return;
    }
    const memory = this.#memory;
    const place = memory.placeOf(correlationId) ?? this.#begin(record);
    if (memory.decisions[place] !== KEPT && !this.#promotes(record, place)) {
      memory.last[place] = this.#ring.push(record, memory.last[place] as number);
      memory.leftOut[place] = (memory.leftOut[place] as number) + 1;
      this.#counts.recordsOut++;
      return;
    }
    if (memory.leftOut[place] !== 0) this.#bringBack(place, correlationId, kept);
    kept.push(record);
  }

  #begin(record: TraceRecord): number {
    const { correlationId, timeMs } = record;
    if (isRoot(record)) {
      this.#counts.tracesBegun++;
      const decision = this.#ratio.begin(correlationId) ? KEPT : OUT;
      if (decision === OUT) this.#counts.tracesOut++;
      return this.#memory.add(correlationId, decision, timeMs, false);
    }
    // Forgotten, or begun before a restart: what the ratio says now is the best guess at what it said then.
    const isKept = this.#memory.wasKept(correlationId) || this.#ratio.keeps(correlationId);
    return this.#memory.add(correlationId, isKept ? KEPT : OUT, timeMs, true);
  }

  /** Whether the record makes its trace, which was sampled out, one to keep. */
  #promotes(record: TraceRecord, place: number): boolean {
    const memory = this.#memory;
    const decision = memory.decisions[place];
    if (decision === OUT_FOR_GOOD) return false;
    const isTrouble = TROUBLE.has(record.kind);
    if (!isTrouble && (decision === OUT_SLOW || !this.#isSlow(record, place))) return false;
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
    else this.#countIncomplete(record.correlationId, 0);
    return true;
  }

  #isSlow(record: TraceRecord, place: number): boolean {
    return (
      record.timeMs - (this.#memory.begunMs[place] as number) > this.#slowMs ||
      record.durationUs > this.#slowMs * 1000
    );
  }

  #bringBack(place: number, correlationId: string, kept: TraceRecord[]): void {
    const memory = this.#memory;
    const found = this.#ring.chain(memory.last[place] as number);
    const missing = (memory.leftOut[place] as number) - found.length;
    for (const record of found) kept.push(record);
    this.#counts.recordsOut -= found.length;
    memory.leftOut[place] = 0;
    memory.last[place] = -1;
    if (missing > 0 && memory.isBeginningUnknown[place] === 0) this.#countIncomplete(correlationId, missing);
  }

  #countIncomplete(correlationId: string, missing: number): void {
    this.#counts.incomplete++;
    this.#incomplete.push({ correlationId, missing });
  }
}

/** The first record of a trace: a message that a producer made, or refused to make. */
function isRoot(record: TraceRecord): boolean {
  return (
    (record.kind === 'produced' || (record.kind === 'rejected' && record.attempt === 0)) &&
    record.messageId === record.correlationId
  );
}
