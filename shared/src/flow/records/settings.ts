import { z } from 'zod';

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
    description: 'Producers wait while a reader of their topic is this far behind.',
  }),
});
export type FlowSettings = z.infer<typeof settingsSchema>;

export function initialSettings(): FlowSettings {
  return { durability: 'fsync', seed: 1, messageBytesMax: 1_048_576, backlogMessagesMax: 10_000 };
}
