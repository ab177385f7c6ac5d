import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { NodeConfig } from '@millrace/shared/flow/records/registry.ts';
import { draftFlow } from './draft.ts';

export const DOOR = {
  door: 'Door',
  orders: 'orders',
  work: 'Work',
  done: 'done',
  sink: 'Result file',
  path: 'door',
} as const;

/** Emits what comes in, and who handled it in which attempt. */
export const PASS_ON = `export function handle(event, ctx) {
  ctx.emit('out', { ...event.data, attempt: event.attempt });
}
`;

export type DoorOptions = {
  name: string;
  partitions?: number;
  work?: Partial<NodeConfig<'handler'>>;
  settings?: Partial<FlowDocument['settings']>;
};

/** HTTP → topic → handler → topic → file: goes on until it is stopped, and handles exactly what a test sends. */
export function doorFlow({ name, partitions = 1, work = {}, settings = {} }: DoorOptions): FlowDocument {
  return draftFlow(name, settings)
    .add('http', DOOR.door, { path: DOOR.path, eventType: 'test.order' })
    .add('topic', DOOR.orders, { partitions })
    .add('handler', DOOR.work, { code: PASS_ON, ...work })
    .add('topic', DOOR.done, { partitions: 1 })
    .add('file', DOOR.sink, { path: 'result.jsonl' })
    .wire(DOOR.door, DOOR.orders, DOOR.work, DOOR.done, DOOR.sink).document;
}

/** Retries that come soon, and always after the same time. */
export function soon(attemptsMax: number, delayMs = 20): NodeConfig<'handler'>['retry'] {
  return {
    attemptsMax,
    backoff: 'fixed',
    delayMs,
    delayMsMax: 60_000,
    jitter: 0,
    order: 'in-order',
    exceptFor: '',
  };
}
