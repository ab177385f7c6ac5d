import { uuidV7 } from '@millrace/shared/message/ids.ts';
import type { TraceRecord } from '@millrace/shared/trace/record.ts';
import { traceRecord } from '@millrace/shared/trace/testing/traceRecord.ts';
import { createRandom } from '@millrace/shared/util/random.ts';

/** What a flow of producer, topic and handler says of one message; `id` is a UUIDv7 of its time. */
export type TracedMessage = { id: string; timeMs: number; records: TraceRecord[] };

export function createTracedMessages(seed: number): (index: number) => TracedMessage {
  const random = createRandom(seed);
  return (index) => {
    const timeMs = 1_700_000_000_000 + index;
    const id = uuidV7(timeMs, random);
    const about = { timeMs, messageId: id, correlationId: id, key: `customer-${index % 10}` };
    const position = { topic: 'topic:orders', partition: index % 4, offset: Math.floor(index / 4) };
    return {
      id,
      timeMs,
      records: [
        traceRecord({ kind: 'produced', ...about }),
        traceRecord({ kind: 'appended', ...about, ...position, nodeId: 'topic:orders' }),
        traceRecord({ kind: 'delivered', ...about, ...position, nodeId: 'node:handler', attempt: 1 }),
        traceRecord({
          kind: 'handled',
          ...about,
          ...position,
          nodeId: 'node:handler',
          attempt: 1,
          durationUs: 42,
        }),
      ],
    };
  };
}
