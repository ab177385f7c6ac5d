import type { ErrorCode } from '@millrace/shared/errors/codes.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { NodeKind } from '@millrace/shared/flow/records/registry.ts';
import type { NodeCondition, NodeCounters } from '@millrace/shared/trace/metrics.ts';
import type { TraceKind } from '@millrace/shared/trace/record.ts';
import { type FlowBuilder, flow } from '../../simulator/testing/flowBuilder.ts';

/** Bad input that comes while a run is on, for every kind of node; `refusedDrawings.ts` has what is refused before. For tests. */

const ONCE = {
  attemptsMax: 1,
  backoff: 'fixed',
  delayMs: 0,
  delayMsMax: 0,
  jitter: 0,
  order: 'in-order',
  exceptFor: '',
} as const;
const UNTIL_IT_WORKS = { ...ONCE, attemptsMax: 1000, delayMs: 50 } as const;

/** `n` must be a number. */
export const NUMBERS = 'schema:numbers';
/** A list of such. */
export const LISTS = 'schema:lists';
const numbers = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
export const SCHEMAS: FlowDocument['schemas'] = [
  { id: NUMBERS, subject: 'numbers', version: 1, schema: numbers },
  { id: LISTS, subject: 'lists', version: 1, schema: { type: 'array', items: numbers } },
];

/** A consumer with a door of its own: what is pushed there reaches it through a topic of one partition. */
export type Fed = {
  kind: NodeKind;
  name: string;
  draw: (builder: FlowBuilder, addresses: Addresses) => FlowBuilder;
  bad: unknown;
  good: unknown;
  /** A trouble of the world, not of the message: every message fails until it is over. */
  until?: 'http' | 'postgres' | 'fault';
  code: ErrorCode;
  says: RegExp;
  state: NodeCondition['state'];
  trace: TraceKind;
  /** What one bad message counts; those that wait for a retry are counted by the test. */
  counts?: Partial<NodeCounters>;
};

/** `http` answers, `away` does not until it is started, `postgres` neither. */
export type Addresses = { http: string; away: string; postgres: string | null };

const FAILED = { in: 1, out: 0, failed: 1, retried: 0, rejected: 0, deadLettered: 1 };
const REJECTED = { ...FAILED, rejected: 1 };
const THROWS = {
  code: 'HANDLER_THREW',
  says: /^TypeError: Cannot read properties of undefined.*\(handler\.ts:1:\d+\)$/,
  state: 'failing',
  trace: 'failed',
  counts: FAILED,
  bad: {},
  good: { customer: { id: 1 } },
} as const;
const handlerOf = (body: string, config: { timeoutMs?: number } = {}) => ({
  code: `export function handle(event, ctx) {\n  ${body}\n}\n`,
  retry: ONCE,
  ...config,
});
const failingHandler = (
  name: string,
  body: string,
  expected: Pick<Fed, 'code' | 'says'> & Partial<Fed>,
): Fed => ({
  kind: 'handler',
  name,
  draw: (builder) =>
    builder.node('handler', name, handlerOf(body, name === 'loops' ? { timeoutMs: 100 } : {})),
  bad: { bad: true },
  good: { n: 1 },
  state: 'failing',
  trace: 'failed',
  counts: FAILED,
  ...expected,
});

export const FED: Fed[] = [
  failingHandler('throws', `if (event.data.bad) throw new Error('no such order');`, {
    code: 'HANDLER_THREW',
    says: /^Error: no such order \(handler\.ts:2:\d+\)$/,
  }),
  failingHandler('declines', `if (event.data.bad) ctx.fail('CARD_DECLINED', 'ask the bank');`, {
    code: 'HANDLER_FAILED',
    says: /^CARD_DECLINED: ask the bank \(handler\.ts:2:\d+\)$/,
  }),
  failingHandler('loops', `if (event.data.bad) for (;;);`, {
    code: 'HANDLER_TIMED_OUT',
    says: /time limit of 100 ms.*Look for a loop/,
    trace: 'timed-out',
  }),
  failingHandler('strays', `if (event.data.bad) ctx.emit('elsewhere', {});`, {
    code: 'EMIT_TARGET_UNKNOWN',
    says: /elsewhere.*connected are: out/,
  }),
  failingHandler('swells', `ctx.emit('out', { n: 1, text: 'x'.repeat(event.data.bad ? 2_000_000 : 1) });`, {
    code: 'MESSAGE_TOO_LARGE',
    says: /at most 1048576 are allowed. Send less, or raise/,
    trace: 'rejected',
    counts: REJECTED,
  }),
  failingHandler('misfits', `ctx.emit('out', event.data);`, {
    code: 'PAYLOAD_INVALID',
    says: /does not fit the schema of misfits-next: .*'n'/,
    trace: 'rejected',
    counts: REJECTED,
  }),
  {
    ...THROWS,
    kind: 'filter',
    name: 'filter',
    draw: (builder) =>
      builder.node('filter', 'filter', { expression: 'event.data.customer.id > 5', retry: ONCE }),
  },
  {
    ...THROWS,
    kind: 'transform',
    name: 'transform',
    draw: (builder) =>
      builder.node('transform', 'transform', {
        expression: '({ n: event.data.customer.id })',
        retry: ONCE,
      }),
  },
  {
    ...THROWS,
    kind: 'route',
    name: 'route',
    draw: (builder) =>
      builder.node('route', 'route', {
        routes: [{ port: 'out', when: 'event.data.customer.id > 5' }],
        retry: ONCE,
      }),
    says: /^TypeError: Output out: Cannot read properties of undefined/,
  },
  {
    kind: 'throttle',
    name: 'throttle',
    draw: (builder) => builder.node('throttle', 'throttle', { ratePerSecond: 1000, retry: ONCE }),
    bad: { n: 'many' },
    good: { n: 1 },
    code: 'PAYLOAD_INVALID',
    says: /does not fit the schema of throttle-next: .*n must be number/,
    state: 'failing',
    trace: 'rejected',
    counts: REJECTED,
  },
  {
    kind: 'batch',
    name: 'batch',
    draw: (builder) => builder.node('batch', 'batch', { items: 1, retry: ONCE }),
    bad: { n: 'many' },
    good: { n: 1 },
    code: 'PAYLOAD_INVALID',
    says: /does not fit the schema of batch-next: .*n must be number/,
    state: 'failing',
    trace: 'rejected',
    counts: REJECTED,
  },
  {
    kind: 'call',
    name: 'call',
    draw: (builder, { http }) => builder.node('call', 'call', { url: `${http}/{{data.n}}`, retry: ONCE }),
    bad: { m: 1 },
    good: { n: 1 },
    code: 'MESSAGE_INVALID',
    says: /\{\{data\.n\}\}/,
    state: 'failing',
    trace: 'rejected',
    counts: REJECTED,
  },
  {
    kind: 'call',
    name: 'refused',
    draw: (builder, { http }) => builder.node('call', 'refused', { url: `${http}/{{data.n}}`, retry: ONCE }),
    bad: { n: 'refuse' },
    good: { n: 1 },
    code: 'CALL_REFUSED',
    says: /the answer was 409 Conflict; it says “no such order”\.$/,
    state: 'failing',
    trace: 'failed',
    counts: FAILED,
  },
  {
    kind: 'call',
    name: 'away',
    draw: (builder, { away }) => builder.node('call', 'away', { url: `${away}/`, retry: UNTIL_IT_WORKS }),
    bad: { n: 1 },
    good: { n: 1 },
    until: 'http',
    code: 'CALL_FAILED',
    says: /^POST http:\/\/127\.0\.0\.1:\d+\/: /,
    state: 'waiting-retry',
    trace: 'failed',
  },
  {
    kind: 'database',
    name: 'database',
    draw: (builder) =>
      builder.node('database', 'database', {
        columns: { as: 'columns', columns: [{ name: 'n', path: 'n', type: 'integer' }] },
      }),
    bad: { n: 'many' },
    good: { n: 1 },
    code: 'DATABASE_REFUSED',
    says: /n: "many" is no whole number of 64 bits\.$/,
    state: 'failing',
    trace: 'failed',
    counts: FAILED,
  },
  {
    kind: 'database',
    name: 'postgres',
    draw: (builder, { postgres }) =>
      postgres === null
        ? builder
        : builder.node('database', 'postgres', {
            target: { engine: 'postgres', connection: postgres },
            retry: UNTIL_IT_WORKS,
          }),
    bad: { n: 1 },
    good: { n: 1 },
    until: 'postgres',
    code: 'DATABASE_UNREACHABLE',
    says: /./,
    state: 'waiting-retry',
    trace: 'failed',
  },
  {
    kind: 'file',
    name: 'file',
    draw: (builder) => builder.node('file', 'file', { path: 'file.jsonl', retry: UNTIL_IT_WORKS }),
    bad: { n: 1 },
    good: { n: 1 },
    until: 'fault',
    code: 'FAULT_INJECTED',
    says: /fault that was injected/,
    state: 'waiting-retry',
    trace: 'failed',
  },
  {
    kind: 'log',
    name: 'log',
    draw: (builder) => builder.node('log', 'log', { retry: UNTIL_IT_WORKS }),
    bad: { n: 1 },
    good: { n: 1 },
    until: 'fault',
    code: 'FAULT_INJECTED',
    says: /fault that was injected/,
    state: 'waiting-retry',
    trace: 'failed',
  },
];

/** Producers and topics that meet bad input while they run. */
export const SOURCES_AND_TOPICS: readonly NodeKind[] = ['generator', 'schedule', 'http', 'replay', 'topic'];

/** One flow with all of them side by side. Sinks have no output. */
export function badInputFlow(fed: readonly Fed[], addresses: Addresses): FlowDocument {
  let builder = flow('bad-input');
  for (const { name, draw, kind } of fed) {
    builder = draw(builder, addresses)
      .node('http', `${name}-door`, { path: name, key: 'key' })
      .node('topic', `${name}-in`, { partitions: 1 })
      .edges(`${name}-door > ${name}-in`, `${name}-in > ${name}`);
    if (kind === 'file' || kind === 'log' || kind === 'call' || kind === 'database') continue;
    const schema = kind === 'batch' ? LISTS : name === 'misfits' || kind === 'throttle' ? NUMBERS : null;
    builder.node('topic', `${name}-next`, { schema }).edges(`${name} > ${name}-next`);
  }
  builder
    .node('generator', 'generator', { count: 20, ratePerSecond: 1000, payload: '{"m":"{{index}}"}' })
    .node('schedule', 'schedule', { cron: '* * * * * *', payload: '{"m":"{{index}}"}' })
    .node('replay', 'replay', { file: 'broken.jsonl', speed: { mode: 'full' }, idField: '', timeField: '' })
    .node('topic', 'generated', { schema: NUMBERS })
    .node('topic', 'scheduled', { schema: NUMBERS })
    .node('topic', 'replayed', { partitions: 1 })
    .edges('generator > generated', 'schedule > scheduled', 'replay > replayed');
  for (const schemaPolicy of ['reject', 'dead-letter', 'flag'] as const)
    builder
      .node('http', `${schemaPolicy}-door`, { path: schemaPolicy })
      .node('topic', schemaPolicy, { schema: NUMBERS, schemaPolicy })
      .edges(`${schemaPolicy}-door > ${schemaPolicy}`);
  return { ...builder.document(), schemas: SCHEMAS };
}
