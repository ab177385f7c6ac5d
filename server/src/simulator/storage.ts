import type { MemoryLog } from '../brokers/memory/memoryLog.ts';
import type { EngineEffect } from '../engine/io.ts';

export type WriteEffect = Extract<EngineEffect, { type: 'write' }>;

/** How a write of the core reaches the log. The virtual driver asks it twice: when the write begins and when it is done. */
export interface Storage {
  /** The write is on its way; a crash from here on may or may not let it land. */
  begin(write: WriteEffect, nowMs: number): void;
  /** The write is durable. Answers the first offset of each append. */
  land(write: WriteEffect, nowMs: number): number[];
}

/** What every broker promises whose writes are one atomic step: nothing before it lands, all of it then (DL1). */
export function atomicStorage(log: MemoryLog): Storage {
  return {
    begin: () => undefined,
    land: (write, nowMs) => log.write({ ...write, nowMs }).bases,
  };
}
