import type { FaultSpec } from '@millrace/shared/faults/fault.ts';

/**
 * What goes wrong in a run, as data (SM2): each with its time span after the start and, for those that the engine performs
 * itself, its target. The others happen to the process, its storage and its clock.
 */
export type PlannedFault = { fromMs: number; toMs: number } & (
  | { kind: 'injected'; spec: FaultSpec }
  /** The process dies and is started again at once; `toMs` is not looked at. */
  | { kind: 'process-crash' }
  /** A share of the writes is refused, as by a full disk. */
  | { kind: 'writes-refused'; share: number }
  /** Every write takes so much longer. */
  | { kind: 'slow-storage'; delayMs: number }
  /** The clock that the core is told jumps by so much, forward or back, and at the end jumps again. */
  | { kind: 'clock-skew'; skewMs: number }
);
export type FaultPlan = PlannedFault[];

/** Kinds of the driver's own; those of the engine are `FAULT_KINDS`. */
export const DRIVER_FAULT_KINDS = ['process-crash', 'writes-refused', 'slow-storage', 'clock-skew'] as const;

/** What the plan says of a moment, and how often each of its faults has done something. */
export class FaultSchedule {
  readonly fired: Record<string, number> = {};
  readonly #plan: FaultPlan;

  constructor(plan: FaultPlan) {
    this.#plan = plan;
  }

  note(kind: string): void {
    this.fired[kind] = (this.fired[kind] ?? 0) + 1;
  }

  writesRefused(afterMs: number): number {
    return this.#on('writes-refused', afterMs).reduce((most, { share }) => Math.max(most, share), 0);
  }

  storageDelayMs(afterMs: number): number {
    const delayMs = this.#on('slow-storage', afterMs).reduce((sum, fault) => sum + fault.delayMs, 0);
    if (delayMs > 0) this.note('slow-storage');
    return delayMs;
  }

  skewMs(afterMs: number): number {
    if (this.#plan.length === 0) return 0;
    const skewMs = this.#on('clock-skew', afterMs).reduce((sum, fault) => sum + fault.skewMs, 0);
    if (skewMs !== 0) this.note('clock-skew');
    return skewMs;
  }

  #on<Kind extends PlannedFault['kind']>(
    kind: Kind,
    afterMs: number,
  ): Extract<PlannedFault, { kind: Kind }>[] {
    const isOn = (fault: PlannedFault): fault is Extract<PlannedFault, { kind: Kind }> =>
      fault.kind === kind && fault.fromMs <= afterMs && afterMs < fault.toMs;
    return this.#plan.filter(isOn);
  }
}
