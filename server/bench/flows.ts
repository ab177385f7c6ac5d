import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { flow } from '../src/simulator/testing/flowBuilder.ts';

/** The flows that benchmarks run, drawn in one place, so that their figures are about the same thing. */

/** Bytes of the payload of a message when it is produced. */
export const PAYLOAD_BYTES = 300;
/** Rates no generator reaches: it produces as fast as the flow takes it. */
export const FULL_RATE = 1_000_000;

const FRAME_BYTES = '{"index":12345,"customer":"customer-12345","note":""}'.length;
export const PADDING = 'x'.repeat(PAYLOAD_BYTES - FRAME_BYTES);
const PAYLOAD = JSON.stringify({ index: '{{index}}', customer: 'customer-{{index}}', note: PADDING });
/** What each stage does to a message; the other contenders run the same two lines. */
export const HANDLER =
  "export function handle(event, ctx) {\n  ctx.emit('out', { ...event.data, stage: (event.data.stage ?? 0) + 1 });\n}\n";

/** Ends with the last of `handlers` handlers, whose results a file sink writes. */
export type ChainOptions = {
  messages: number;
  handlers: number;
  ratePerSecond?: number;
  partitions?: number;
};

export const SINK = 'node:sink';
export const SOURCE = 'node:generator';

/** Generator → topic → (handler → topic) × n → file, every append acknowledged after fsync. */
export function handlerChain({ messages, handlers, ratePerSecond, partitions }: ChainOptions): FlowDocument {
  const topic = { partitions: partitions ?? 3, key: 'customer' };
  const drawn = flow('bench')
    .node('generator', 'generator', {
      ratePerSecond: ratePerSecond ?? FULL_RATE,
      count: messages,
      eventType: 'bench.message',
      payload: PAYLOAD,
    })
    .node('topic', 'topic-0', topic)
    .edges('generator > topic-0');
  for (let index = 0; index < handlers; index++) {
    drawn
      .node('handler', `handler-${index}`, { code: HANDLER })
      .node('topic', `topic-${index + 1}`, topic)
      .edges(`topic-${index} > handler-${index}`, `handler-${index} > topic-${index + 1}`);
  }
  return drawn
    .node('file', 'sink', { path: 'out.jsonl', content: 'data' })
    .edges(`topic-${handlers} > sink`)
    .document();
}

/** Three hops: generator → topic → handler → topic → handler → topic → file. */
export function threeStages(options: Omit<ChainOptions, 'handlers'>): FlowDocument {
  return handlerChain({ ...options, handlers: 2 });
}
