import { emptyDocument, type FlowDocument, type FlowEdge } from '@millrace/shared/flow/document.ts';
import { file } from '@millrace/shared/flow/records/file.ts';
import { generator } from '@millrace/shared/flow/records/generator.ts';
import { handler } from '@millrace/shared/flow/records/handler.ts';
import { http } from '@millrace/shared/flow/records/http.ts';
import { log } from '@millrace/shared/flow/records/log.ts';
import { topic } from '@millrace/shared/flow/records/topic.ts';

const noDescription = { description: '' };
const edge = (source: string, sourcePort: string, target: string): FlowEdge => ({
  id: `edge:${source.slice(5)}-${target.slice(5)}`,
  source: `node:${source.slice(5)}`,
  sourcePort,
  target,
});

/** Generator → numbers → Double → doubled → file; for tests. */
export function countingFlow(options: {
  id?: string;
  count: number | null;
  ratePerSecond: number;
  code?: string;
}): FlowDocument {
  const code =
    options.code ??
    "export function handle(event, ctx) {\n  ctx.emit('doubled', { n: event.data.n * 2 });\n}\n";
  return {
    ...emptyDocument(options.id ?? 'flow:counting', 'Counting'),
    nodes: [
      {
        id: 'node:source',
        kind: 'generator',
        name: 'Source',
        ...noDescription,
        config: {
          ...generator.initial(),
          count: options.count,
          ratePerSecond: options.ratePerSecond,
          key: '{{index}}',
          payload: '{"n": "{{index}}"}',
        },
      },
      { id: 'node:numbers', kind: 'topic', name: 'numbers', ...noDescription, config: topic.initial() },
      {
        id: 'node:double',
        kind: 'handler',
        name: 'Double',
        ...noDescription,
        config: { ...handler.initial(), code },
      },
      { id: 'node:doubled', kind: 'topic', name: 'doubled', ...noDescription, config: topic.initial() },
      {
        id: 'node:sink',
        kind: 'file',
        name: 'Sink',
        ...noDescription,
        config: { ...file.initial(), path: 'doubled.jsonl' },
      },
    ],
    edges: [
      edge('node:source', 'out', 'node:numbers'),
      edge('node:numbers', 'messages', 'node:double'),
      edge('node:double', 'out', 'node:doubled'),
      edge('node:doubled', 'messages', 'node:sink'),
    ],
  };
}

/** HTTP → orders → log; for tests. */
export function hookFlow(id = 'flow:hook'): FlowDocument {
  const config = { ...http.initial(), path: 'orders', eventType: 'com.example.order', key: 'customer.id' };
  return {
    ...emptyDocument(id, 'Hook'),
    nodes: [
      { id: 'node:hook', kind: 'http', name: 'Hook', ...noDescription, config },
      { id: 'node:orders', kind: 'topic', name: 'orders', ...noDescription, config: topic.initial() },
      { id: 'node:log', kind: 'log', name: 'Log', ...noDescription, config: log.initial() },
    ],
    edges: [edge('node:hook', 'out', 'node:orders'), edge('node:orders', 'messages', 'node:log')],
  };
}
