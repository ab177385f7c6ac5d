import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { NodeConfig } from '@millrace/shared/flow/records/registry.ts';
import { draftFlow } from './draft.ts';

export type PipelineOptions = {
  name: string;
  /** Null goes on until it is stopped. */
  count: number | null;
  ratePerSecond: number;
  partitions?: number;
};

export const PIPELINE = {
  source: 'Source',
  topic: 'numbers',
  handler: 'Double',
  derived: 'doubled',
  sink: 'Result file',
} as const;

const DOUBLE = `export function handle(event, ctx) {
  ctx.emit('out', { index: event.data.index, doubled: event.data.index * 2 });
}
`;

/** Generator → topic → handler → topic → file: what most tests run. */
export function pipeline({ name, count, ratePerSecond, partitions = 3 }: PipelineOptions): FlowDocument {
  return draftFlow(name)
    .add('generator', PIPELINE.source, {
      count,
      ratePerSecond,
      eventType: 'test.number',
      key: 'k{{number.int {"max":9}}}',
      payload: '{"index":"{{index}}"}',
    })
    .add('topic', PIPELINE.topic, { partitions })
    .add('handler', PIPELINE.handler, { code: DOUBLE })
    .add('topic', PIPELINE.derived, { partitions })
    .add('file', PIPELINE.sink, { path: 'result.jsonl' })
    .wire(PIPELINE.source, PIPELINE.topic, PIPELINE.handler, PIPELINE.derived, PIPELINE.sink).document;
}

/** The same flow with other code, and other settings, in its handler. */
export function withCode(
  document: FlowDocument,
  code: string,
  config: Partial<NodeConfig<'handler'>> = {},
): FlowDocument {
  const nodes = document.nodes.map((node) =>
    node.kind === 'handler' ? { ...node, config: { ...node.config, ...config, code } } : node,
  );
  return { ...document, nodes };
}
