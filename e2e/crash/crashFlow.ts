import { emptyDocument, type FlowDocument } from '@millrace/shared/flow/document.ts';
import { initialDelivery } from '@millrace/shared/flow/records/delivery.ts';
import { NODE_KINDS } from '@millrace/shared/flow/records/registry.ts';

export const GENERATED = 'node:generator';
export const INGESTED = 'node:ingest';
export const ALL = 'node:all';
export const DIRECT_SINK = 'node:direct';
export const DERIVED_SINK = 'node:derived';

const HANDLER = `export function handle(event, ctx) {
  const seen = (ctx.state.get('seen') ?? 0) + 1;
  ctx.state.set('seen', seen);
  ctx.emit('out', { ...event.data, seen });
}
`;

/**
 * Two producers into one topic; one sink writes that topic as it is, another what a handler made of it.
 * Whatever the producers were told is on disk must be in both files.
 */
export function crashFlow(count: number, ratePerSecond: number): FlowDocument {
  const document = emptyDocument('flow:crash', 'Crash test');
  const delivery = initialDelivery();
  const topic = { ...NODE_KINDS.topic.initial(), key: 'customer' };
  document.nodes = [
    {
      id: GENERATED,
      kind: 'generator',
      name: 'Generator',
      description: '',
      config: {
        ratePerSecond,
        count,
        eventType: 'test.generated',
        key: '',
        payload: '{"index":"{{index}}","customer":"{{number.int {\\"max\\":40}}}"}',
        whenFull: 'block',
      },
    },
    {
      id: INGESTED,
      kind: 'http',
      name: 'Ingest',
      description: '',
      config: { path: 'events', eventType: 'test.ingested', key: 'customer', whenFull: 'fail' },
    },
    { id: ALL, kind: 'topic', name: 'all', description: '', config: topic },
    {
      id: DIRECT_SINK,
      kind: 'file',
      name: 'Direct',
      description: '',
      config: { path: 'direct.jsonl', content: 'cloudevents', ...delivery },
    },
    {
      id: 'node:handler',
      kind: 'handler',
      name: 'Handler',
      description: '',
      config: { code: HANDLER, ...delivery, timeoutMs: 1000, memoryMb: 64 },
    },
    { id: 'node:handled', kind: 'topic', name: 'handled', description: '', config: topic },
    {
      id: DERIVED_SINK,
      kind: 'file',
      name: 'Derived',
      description: '',
      config: { path: 'derived.jsonl', content: 'cloudevents', ...delivery },
    },
  ];
  document.edges = [
    { id: 'edge:1', source: GENERATED, sourcePort: 'out', target: ALL },
    { id: 'edge:2', source: INGESTED, sourcePort: 'out', target: ALL },
    { id: 'edge:3', source: ALL, sourcePort: 'messages', target: DIRECT_SINK },
    { id: 'edge:4', source: ALL, sourcePort: 'messages', target: 'node:handler' },
    { id: 'edge:5', source: 'node:handler', sourcePort: 'out', target: 'node:handled' },
    { id: 'edge:6', source: 'node:handled', sourcePort: 'messages', target: DERIVED_SINK },
  ];
  return document;
}
