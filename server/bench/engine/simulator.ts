import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { NativeHandler } from '../../src/simulator/nativeHandler.ts';
import { flow, listSource } from '../../src/simulator/testing/flowBuilder.ts';
import { runVirtual } from '../../src/simulator/virtualRun.ts';
import { produced } from './stages.ts';

export const SIMULATED_NODES = 20;
const HANDLERS = 8;

/** Source → topic → (handler → topic) × 8 → file, and a log that reads the first topic: 20 nodes, 10 deliveries a message. */
function twentyNodes(): FlowDocument {
  const drawn = flow('simulated')
    .node('replay', 'source', { speed: { mode: 'full' } })
    .node('topic', 'topic-0', { partitions: 3, key: 'customer' })
    .node('log', 'log')
    .edges('source > topic-0', 'topic-0 > log');
  for (let index = 0; index < HANDLERS; index++) {
    drawn
      .node('handler', `handler-${index}`)
      .node('topic', `topic-${index + 1}`, { partitions: 3, key: 'customer' })
      .edges(`topic-${index} > handler-${index}`, `handler-${index} > topic-${index + 1}`);
  }
  return drawn.node('file', 'sink').edges(`topic-${HANDLERS} > sink`).document();
}

const passOn: NativeHandler = (event, ctx) => ctx.emit('out', event.data);

export type SimulatorOptions = { seeds: number; messages: number };
export type SimulatorResult = { seconds: number; deliveries: number };

export async function measureSimulator({ seeds, messages }: SimulatorOptions): Promise<SimulatorResult> {
  const document = twentyNodes();
  if (document.nodes.length !== SIMULATED_NODES)
    throw new Error(`the flow has ${document.nodes.length} nodes`);
  const handlers = Object.fromEntries(
    document.nodes.filter(({ kind }) => kind === 'handler').map(({ id }) => [id, passOn]),
  );
  const sources = { 'node:source': listSource(messages, (index) => ({ data: produced(index) })) };
  let deliveries = 0;
  const startedAt = performance.now();
  for (let seed = 1; seed <= seeds; seed++) {
    deliveries += runVirtual({ document, seed, sources, handlers, keep: 'counts' }).deliveries;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const expected = seeds * messages * (HANDLERS + 2);
  if (deliveries !== expected) throw new Error(`${deliveries} of ${expected} deliveries were made`);
  return { seconds, deliveries };
}
