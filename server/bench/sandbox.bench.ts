import type { Delivery, Invocation } from '../src/engine/io.ts';
import { createSandbox } from '../src/sandbox/isolatedSandbox.ts';
import type { Sandbox } from '../src/sandbox/sandbox.ts';

/**
 * Deliveries a second that a handler takes in the sandbox, by size of the batch, beside the same function called
 * directly with JSON in and out. The variants take turns, so that a slow moment of the machine meets all of them.
 */
const ROUNDS = 5;
const ROUND_MS = 400;
const WARM_UP_CALLS = 200;
const BATCHES = [1, 16, 100, 256];
const NODE = 'node:bench';
const CODE =
  "export function handle(event, ctx) { if (event.data.amount > 10) ctx.emit('out', { ...event.data, handledAt: ctx.now() }); }";

type Variant = { name: string; perCall: number; call(): Promise<number>; rates: number[] };

function delivery(index: number): Delivery {
  const id = `01890a5d-ac96-7000-8000-${String(index).padStart(12, '0')}`;
  return {
    message: {
      id,
      source: '/flows/bench/nodes/producer',
      type: 'com.example.order.placed',
      timeMs: 1_700_000_000_000 + index,
      key: `customer-${index % 50}`,
      correlationId: id,
      causationId: null,
      data: JSON.stringify({
        orderId: id,
        customer: { id: index, name: 'Ada Lovelace' },
        amount: 12.5,
        items: ['a', 'b', 'c'],
      }),
    },
    topic: 'node:topic',
    partition: 0,
    offset: index,
    attempt: 1,
    scope: '',
    timer: false,
  };
}

function direct(deliveries: Delivery[]): Variant {
  type Context = { emit(target: string, data: unknown): void; now(): number };
  const handle = (event: { data: { amount: number } }, ctx: Context): void => {
    if (event.data.amount > 10) ctx.emit('out', { ...event.data, handledAt: ctx.now() });
  };
  return {
    name: 'handler called directly, JSON in and out',
    perCall: deliveries.length,
    rates: [],
    async call() {
      let emitted = 0;
      for (const { message } of deliveries) {
        const emit = (_target: string, data: unknown): void => {
          if (JSON.stringify(data).length > 0) emitted++;
        };
        handle({ data: JSON.parse(message.data) as { amount: number } }, { emit, now: () => 1 });
      }
      return emitted;
    },
  };
}

function sandboxed(sandbox: Sandbox, deliveries: Delivery[]): Variant {
  const invocation: Invocation = {
    invocationId: 1,
    instance: 0,
    node: NODE,
    seed: 1,
    deliveries,
    state: {},
    goesOn: false,
  };
  return {
    name: `handler in the sandbox, batches of ${deliveries.length}`,
    perCall: deliveries.length,
    rates: [],
    call: async () => (await sandbox.invoke(invocation, 1)).filter(({ status }) => status === 'ok').length,
  };
}

async function measure(variant: Variant): Promise<number> {
  const started = performance.now();
  let handled = 0;
  while (performance.now() - started < ROUND_MS) {
    const emitted = await variant.call();
    if (emitted !== variant.perCall)
      throw new Error(`${variant.name}: ${emitted} of ${variant.perCall} were handled`);
    handled += variant.perCall;
  }
  return (handled * 1000) / (performance.now() - started);
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const sandbox = createSandbox();
try {
  await sandbox.load({ node: NODE, code: CODE, timeoutMs: 1000, memoryMb: 64 });
  const all = Array.from({ length: Math.max(...BATCHES) }, (_, index) => delivery(index));
  const reference = direct(all);
  const variants = [reference, ...BATCHES.map((size) => sandboxed(sandbox, all.slice(0, size)))];
  for (const variant of variants) for (let i = 0; i < WARM_UP_CALLS; i++) await variant.call();
  for (let round = 0; round < ROUNDS; round++) {
    for (const variant of variants) variant.rates.push(await measure(variant));
  }
  for (const variant of variants) {
    const value = Math.round(median(variant.rates));
    const figure = { name: variant.name, value, unit: 'deliveries/s' };
    const compared = { against: reference.name, ratio: Number((value / median(reference.rates)).toFixed(3)) };
    console.log(JSON.stringify(variant === reference ? figure : { ...figure, ...compared }));
  }
} finally {
  await sandbox.close();
}
