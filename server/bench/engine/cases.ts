import { measureCeiling } from './ceiling.ts';
import { measureLive } from './live.ts';
import { measureNats } from './nats.ts';
import { buildStore, measureRecovery } from './recovery.ts';
import { measureRedis } from './redis.ts';
import { measureSimulator } from './simulator.ts';

/** Whatever is measured in a process of its own. */
export const CASES = {
  live: measureLive,
  ceiling: measureCeiling,
  nats: measureNats,
  redis: measureRedis,
  buildStore,
  recovery: measureRecovery,
  simulator: measureSimulator,
} as const;

export type CaseName = keyof typeof CASES;
