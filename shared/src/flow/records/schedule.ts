import { z } from 'zod';
import { addWhenFull, OUT_PORT, templateFields, whenFullField } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const scheduleConfigSchema = z.strictObject({
  cron: z.string().min(1).max(256).meta({
    title: 'Cron',
    widget: 'cron',
    description: 'Five fields (minute hour day month weekday) or six with seconds first.',
    placeholder: '*/10 * * * * *',
  }),
  timezone: z.string().min(1).max(64).meta({
    title: 'Time zone',
    description: 'An IANA name such as Europe/Berlin.',
    placeholder: 'UTC',
    advanced: true,
  }),
  ...templateFields,
  whenFull: whenFullField,
});

/** Makes one message at each time a cron expression names. */
export const schedule = defineNodeKind({
  kind: 'schedule',
  family: 'producer',
  title: 'Schedule',
  summary: 'Makes one message at each time a cron expression names',
  keywords: ['cron', 'timer', 'interval', 'clock', 'tick', 'producer'],
  config: scheduleConfigSchema,
  initial: () => ({
    cron: '*/5 * * * * *',
    timezone: 'UTC',
    eventType: 'com.example.tick',
    key: '',
    payload: JSON.stringify({ tick: '{{index}}', at: '{{now}}' }, null, 2),
    whenFull: 'block' as const,
  }),
  outputs: () => [OUT_PORT],
  migrations: [addWhenFull('block')],
});
