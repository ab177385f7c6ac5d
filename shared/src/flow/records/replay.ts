import { z } from 'zod';
import { addWhenFull, eventTypeField, OUT_PORT, whenFullField } from './delivery.ts';
import { defineNodeKind } from './kind.ts';

export const replaySpeedSchema = z
  .discriminatedUnion('mode', [
    z.strictObject({ mode: z.literal('full') }).meta({ title: 'As fast as possible' }),
    z
      .strictObject({
        mode: z.literal('rate'),
        ratePerSecond: z.number().min(0.01).max(1_000_000).meta({ title: 'Rate', unit: 'messages/s' }),
      })
      .meta({ title: 'At a rate' }),
    z
      .strictObject({
        mode: z.literal('by-time'),
        factor: z.number().min(0.001).max(10_000_000).meta({
          title: 'Speed-up',
          unit: '×',
          description: '1 keeps the original pace; 60 plays an hour in a minute.',
        }),
      })
      .meta({ title: 'By the time field' }),
  ])
  .meta({ title: 'Speed' });

export const replayConfigSchema = z.strictObject({
  file: z.string().min(1).max(512).meta({
    title: 'File',
    widget: 'file',
    description: 'A JSONL or CSV file: uploaded to Millrace, or beside the flow on the command line.',
  }),
  format: z
    .enum(['auto', 'jsonl', 'csv'])
    .meta({ title: 'Format', description: 'Auto goes by the file name.', advanced: true }),
  speed: replaySpeedSchema,
  eventType: eventTypeField,
  idField: z.string().max(256).meta({
    title: 'Id field',
    description: 'Path of the record’s own id. Empty: ids are made.',
    placeholder: 'id',
  }),
  timeField: z.string().max(256).meta({
    title: 'Time field',
    description:
      'Path of when it happened: milliseconds since 1970 or a date text. Empty: the time of replay.',
    placeholder: 'time',
  }),
  key: z.string().max(256).meta({
    title: 'Key',
    description: 'Path of the field that becomes the key. Empty: the topic decides.',
    placeholder: 'net',
  }),
  whenFull: whenFullField,
});

/** Plays a recorded file as messages: at full speed, at a rate, or at the pace of its own time field. */
export const replay = defineNodeKind({
  kind: 'replay',
  family: 'producer',
  title: 'Replay',
  summary: 'Plays a JSONL or CSV file as messages',
  keywords: ['file', 'csv', 'jsonl', 'import', 'history', 'producer'],
  config: replayConfigSchema,
  initial: () => ({
    file: 'usgs-earthquakes-week.jsonl',
    format: 'auto' as const,
    speed: { mode: 'rate' as const, ratePerSecond: 50 },
    eventType: 'gov.usgs.earthquake.reported',
    idField: 'id',
    timeField: 'time',
    key: '',
    whenFull: 'block' as const,
  }),
  outputs: () => [OUT_PORT],
  migrations: [addWhenFull('block')],
});
