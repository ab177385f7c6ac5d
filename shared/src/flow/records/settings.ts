import { z } from 'zod';
import type { ConfigMigration } from './kind.ts';

export const settingsSchema = z.strictObject({
  durability: z.enum(['fsync', 'relaxed']).meta({
    title: 'Durability',
    description:
      'fsync: acknowledged means on disk. relaxed: faster, and a power cut may lose the last moments.',
  }),
  seed: z
    .int()
    .min(0)
    .max(4_294_967_295)
    .meta({ title: 'Seed', description: 'Generated payloads and ids of a simulation descend from it.' }),
  messageBytesMax: z.int().min(1024).max(16_777_216).meta({ title: 'Largest message', unit: 'bytes' }),
  backlogMessagesMax: z.int().min(1).max(10_000_000).meta({
    title: 'Backlog limit',
    unit: 'messages',
    description: 'How far a reader may fall behind before producers of its topic wait, drop or fail.',
  }),
  backlogBytesMax: z.int().min(1024).max(68_719_476_736).meta({
    title: 'Backlog limit in bytes',
    unit: 'bytes',
    advanced: true,
  }),
  traceRatePerSecond: z.int().min(0).max(1_000_000).meta({
    title: 'Traces kept',
    unit: 'traces/s',
    description:
      'Above it only a share is kept, whole traces; those with failures and slow ones always. 0: every trace.',
    advanced: true,
  }),
  slowTraceMs: z.int().min(1).max(86_400_000).meta({
    title: 'Slow from',
    unit: 'ms',
    description: 'A trace that takes longer is always kept.',
    advanced: true,
  }),
  runsKept: z.int().min(1).max(1000).meta({
    title: 'Runs kept',
    description: 'Of the runs that are over, so many of the newest stay.',
    advanced: true,
  }),
});
export type FlowSettings = z.infer<typeof settingsSchema>;

export function initialSettings(): FlowSettings {
  return {
    durability: 'fsync',
    seed: 1,
    messageBytesMax: 1_048_576,
    backlogMessagesMax: 10_000,
    backlogBytesMax: 67_108_864,
    traceRatePerSecond: 1000,
    slowTraceMs: 1000,
    runsKept: 50,
  };
}

/** What version 1 did not know yet. */
export const SETTINGS_MIGRATIONS: readonly ConfigMigration[] = [
  (settings) => ({
    ...(settings as object),
    backlogBytesMax: 67_108_864,
    traceRatePerSecond: 1000,
    slowTraceMs: 1000,
    runsKept: 50,
  }),
];
