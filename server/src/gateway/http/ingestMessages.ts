import type { IncomingHttpHeaders } from 'node:http';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { fromCloudEvent } from '@millrace/shared/message/cloudEvent.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { keyOf } from '@millrace/shared/message/payloadPath.ts';
import { INGEST_BATCH_MESSAGES_MAX } from '../limits.ts';

export type IngestTarget = {
  /** `source` of messages that do not bring their own. */
  source: string;
  eventType: string;
  /** Path into the body; '' leaves the key to the topic. */
  keyPath: string;
};

export type IngestBody = { headers: IncomingHttpHeaders; body: Buffer };

/**
 * The messages of one request. Four forms: plain JSON, one CloudEvent (structured or as `ce-` headers around a body), or
 * a batch of CloudEvents. Throws MESSAGE_INVALID with the place of the fault.
 */
export function readMessages(
  { headers, body }: IngestBody,
  target: IngestTarget,
  nowMs: number,
  newMessageId: () => string,
): Message[] {
  const mediaType = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const keyed = (message: Message): Message =>
    message.key === null && target.keyPath !== ''
      ? { ...message, key: keyOf(message.data, target.keyPath) }
      : message;

  if (mediaType === 'application/cloudevents+json') return [keyed(fromCloudEvent(parseJson(body), nowMs))];
  if (mediaType === 'application/cloudevents-batch+json') return readBatch(parseJson(body), nowMs).map(keyed);
  if (headers['ce-specversion'] !== undefined)
    return [keyed(fromCloudEvent(fromHeaders(headers, mediaType, body), nowMs))];
  const data = JSON.stringify(parseJson(body));
  const id = newMessageId();
  const { source, eventType: type } = target;
  return [keyed({ id, source, type, timeMs: nowMs, key: null, correlationId: id, causationId: null, data })];
}

function readBatch(value: unknown, nowMs: number): Message[] {
  if (!Array.isArray(value))
    throw new WorkbenchError('MESSAGE_INVALID', 'A batch of CloudEvents is a JSON array.');
  if (value.length === 0) throw new WorkbenchError('MESSAGE_INVALID', 'The batch is empty.');
  if (value.length > INGEST_BATCH_MESSAGES_MAX) {
    throw new WorkbenchError(
      'MESSAGE_INVALID',
      `A batch holds at most ${INGEST_BATCH_MESSAGES_MAX} messages; this one has ${value.length}.`,
      {
        details: { limit: INGEST_BATCH_MESSAGES_MAX },
      },
    );
  }
  return value.map((entry: unknown, index) => {
    try {
      return fromCloudEvent(entry, nowMs);
    } catch (thrown) {
      if (!(thrown instanceof WorkbenchError)) throw thrown;
      throw new WorkbenchError(thrown.code, `Entry ${index} of the batch: ${thrown.message}`, {
        details: { ...thrown.details, index },
      });
    }
  });
}

/** CloudEvents' binary mode: attributes travel as headers, percent-encoded; the body is the data. */
function fromHeaders(headers: IncomingHttpHeaders, mediaType: string, body: Buffer): Record<string, unknown> {
  const event: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('ce-') && typeof value === 'string')
      event[name.slice('ce-'.length)] = decodeHeader(value);
  }
  const isText = mediaType.startsWith('text/');
  return { ...event, data: body.length === 0 ? null : isText ? decodeUtf8(body) : parseJson(body) };
}

function decodeHeader(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0)
    throw new WorkbenchError('MESSAGE_INVALID', 'The request has no body; send one JSON value.');
  try {
    return JSON.parse(decodeUtf8(body)) as unknown;
  } catch (cause) {
    if (cause instanceof WorkbenchError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new WorkbenchError('MESSAGE_INVALID', `The body is not JSON: ${why}`, { cause });
  }
}

function decodeUtf8(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new WorkbenchError('MESSAGE_INVALID', 'The body is not UTF-8 text.', { cause });
  }
}
