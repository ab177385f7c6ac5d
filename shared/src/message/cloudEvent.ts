import { z } from 'zod';
import { WorkbenchError } from '../errors/workbenchError.ts';
import { traceparentOf } from './ids.ts';
import type { Message } from './message.ts';

/** The JSON event format of CloudEvents 1.0.2 with the extension attributes of rule MS1. Unknown extensions are kept. */
export const cloudEventSchema = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
  time: z.iso.datetime({ offset: true }).optional(),
  subject: z.string().min(1).optional(),
  datacontenttype: z.string().optional(),
  dataschema: z.string().optional(),
  partitionkey: z.string().min(1).optional(),
  sequence: z.string().optional(),
  correlationid: z.string().min(1).optional(),
  causationid: z.string().min(1).optional(),
  traceparent: z.string().optional(),
  data: z.unknown(),
});
export type CloudEvent = z.infer<typeof cloudEventSchema>;

const KNOWN = new Set([...Object.keys(cloudEventSchema.shape), 'data_base64', 'tracestate']);

/** The CloudEvents JSON form. `offset`, where known, becomes `sequence` (zero-padded so that it sorts as text). */
export function toCloudEvent(message: Message, offset?: number): CloudEvent {
  return {
    specversion: '1.0',
    id: message.id,
    source: message.source,
    type: message.type,
    time: new Date(message.timeMs).toISOString(),
    ...(message.subject !== undefined ? { subject: message.subject } : {}),
    datacontenttype: 'application/json',
    ...(message.dataschema !== undefined ? { dataschema: message.dataschema } : {}),
    ...(message.key !== null && message.key !== '' ? { partitionkey: message.key } : {}),
    ...(offset !== undefined ? { sequence: String(offset).padStart(20, '0') } : {}),
    correlationid: message.correlationId,
    ...(message.causationId !== null ? { causationid: message.causationId } : {}),
    traceparent: message.traceparent ?? traceparentOf(message.correlationId, message.id),
    ...message.extensions,
    data: JSON.parse(message.data) as unknown,
  };
}

/** A message from outside; it keeps its own id (MS2). Throws MESSAGE_INVALID with the path of the fault. */
export function fromCloudEvent(value: unknown, nowMs: number): Message {
  const parsed = cloudEventSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new WorkbenchError(
      'MESSAGE_INVALID',
      `Not a CloudEvent: ${issue?.path.join('.') || 'event'}: ${issue?.message ?? 'invalid'}.`,
      {
        details: { path: issue?.path ?? [] },
      },
    );
  }
  const event = parsed.data;
  const extensions: Record<string, string | number | boolean> = {};
  for (const [name, attribute] of Object.entries(event)) {
    if (KNOWN.has(name)) continue;
    if (typeof attribute === 'string' || typeof attribute === 'number' || typeof attribute === 'boolean')
      extensions[name] = attribute;
  }
  return {
    id: event.id,
    source: event.source,
    type: event.type,
    timeMs: event.time === undefined ? nowMs : Date.parse(event.time),
    ...(event.subject !== undefined ? { subject: event.subject } : {}),
    ...(event.dataschema !== undefined ? { dataschema: event.dataschema } : {}),
    ...(event.traceparent !== undefined ? { traceparent: event.traceparent } : {}),
    key: event.partitionkey ?? null,
    correlationId: event.correlationid ?? event.id,
    causationId: event.causationid ?? null,
    data: JSON.stringify(event.data ?? null),
    ...(Object.keys(extensions).length > 0 ? { extensions } : {}),
  };
}
