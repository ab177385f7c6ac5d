import type { ErrorCode } from '@millrace/shared/errors/codes.ts';
import type { NodeKind } from '@millrace/shared/flow/records/registry.ts';
import type { FlowBuilder } from '../../simulator/testing/flowBuilder.ts';

/** What a drawing is refused for before it runs. `node` is named in the sentence. */
export type Refusal = {
  what: string;
  node: string;
  draw: (builder: FlowBuilder) => FlowBuilder;
  code: ErrorCode;
  says: RegExp;
};

const behindTopic = (builder: FlowBuilder): FlowBuilder =>
  builder
    .node('http', 'door', { path: 'door' })
    .node('topic', 'in')
    .node('topic', 'next')
    .edges('door > in', 'in > culprit', 'culprit > next');
const intoTopic = (builder: FlowBuilder): FlowBuilder =>
  builder.node('topic', 'in').node('log', 'sink').edges('culprit > in', 'in > sink');

export const REFUSALS: Record<NodeKind, Refusal[]> = {
  generator: [
    {
      what: 'a payload that is no JSON',
      node: 'culprit',
      draw: (builder) => intoTopic(builder.node('generator', 'culprit', { payload: '{"n": }' })),
      code: 'FLOW_INVALID',
      says: /payload of culprit is not JSON: line 1, column \d+/,
    },
    {
      what: 'a template with an unknown field',
      node: 'culprit',
      draw: (builder) =>
        intoTopic(builder.node('generator', 'culprit', { payload: '{"n": "{{person.fulName}}"}' })),
      code: 'TEMPLATE_INVALID',
      says: /person\.fulName is not known\. Did you mean person\.fullName/,
    },
  ],
  schedule: [
    {
      what: 'a time that does not exist',
      node: 'culprit',
      draw: (builder) => intoTopic(builder.node('schedule', 'culprit', { cron: '61 * * * * *' })),
      code: 'CRON_INVALID',
      says: /"61 \* \* \* \* \*" is not a cron expression.*Five fields/,
    },
    {
      what: 'a time zone that does not exist',
      node: 'culprit',
      draw: (builder) => intoTopic(builder.node('schedule', 'culprit', { timezone: 'Europe/Atlantis' })),
      code: 'CRON_INVALID',
      says: /Europe\/Atlantis is not a time zone; use an IANA name/,
    },
  ],
  http: [
    {
      what: 'an address that another node has',
      node: 'culprit',
      draw: (builder) =>
        intoTopic(
          builder.node('http', 'another', { path: 'same' }).node('http', 'culprit', { path: 'same' }),
        ).edges('another > in'),
      code: 'FLOW_INVALID',
      says: /culprit and another take messages at the same address: give one another path/,
    },
  ],
  replay: [
    {
      what: 'a file that is not there',
      node: 'culprit',
      draw: (builder) => intoTopic(builder.node('replay', 'culprit', { file: 'nowhere.jsonl' })),
      code: 'SOURCE_NOT_FOUND',
      says: /There is no file "nowhere\.jsonl"\. (There are|Upload one)/,
    },
  ],
  topic: [
    {
      what: 'a schema that is none',
      node: 'culprit',
      draw: (builder) =>
        builder
          .node('http', 'door')
          .node('topic', 'culprit', { schema: 'schema:broken' })
          .node('log', 'sink')
          .edges('door > culprit', 'culprit > sink'),
      code: 'FLOW_INVALID',
      says: /broken \(version 1\) is not a JSON Schema/,
    },
  ],
  handler: [
    {
      what: 'code that does not compile',
      node: 'culprit',
      draw: (builder) =>
        behindTopic(builder.node('handler', 'culprit', { code: 'export function handle( {\n' })),
      code: 'HANDLER_COMPILE_FAILED',
      says: /line \d|handler\.ts:\d/i,
    },
    {
      what: 'code without handle',
      node: 'culprit',
      draw: (builder) => behindTopic(builder.node('handler', 'culprit', { code: 'export const n = 1;\n' })),
      code: 'HANDLER_COMPILE_FAILED',
      says: /handle/,
    },
  ],
  filter: [
    {
      what: 'an expression that does not compile',
      node: 'culprit',
      draw: (builder) => behindTopic(builder.node('filter', 'culprit', { expression: 'event.data.(' })),
      code: 'HANDLER_COMPILE_FAILED',
      says: /line \d|handler\.ts:\d/i,
    },
  ],
  route: [
    {
      what: 'an expression that does not compile',
      node: 'culprit',
      draw: (builder) =>
        behindTopic(builder.node('route', 'culprit', { routes: [{ port: 'out', when: 'event.data.(' }] })),
      code: 'HANDLER_COMPILE_FAILED',
      says: /line \d|handler\.ts:\d/i,
    },
  ],
  transform: [
    {
      what: 'an expression that does not compile',
      node: 'culprit',
      draw: (builder) => behindTopic(builder.node('transform', 'culprit', { expression: '{ n: ' })),
      code: 'HANDLER_COMPILE_FAILED',
      says: /line \d|handler\.ts:\d/i,
    },
  ],
  throttle: [
    {
      what: 'a rate of nothing',
      node: 'culprit',
      draw: (builder) => behindTopic(builder.node('throttle', 'culprit', { ratePerSecond: 0 })),
      code: 'FLOW_INVALID',
      says: /ratePerSecond/,
    },
  ],
  batch: [
    {
      what: 'batches that are larger than a message may be',
      node: 'culprit',
      draw: (builder) => behindTopic(builder.node('batch', 'culprit', { bytesMax: 8_388_608 })),
      code: 'FLOW_INVALID',
      says: /A batch of culprit may take 8388608 bytes/,
    },
  ],
  call: [
    {
      what: 'a field that no message has',
      node: 'culprit',
      draw: (builder) =>
        behindTopic(builder.node('call', 'culprit', { url: 'http://127.0.0.1:9/{{date.id}}' })),
      code: 'FLOW_INVALID',
      says: /\{\{date\.id\}\} is not known. Known are id, key/,
    },
    {
      what: 'a variable that is not set',
      node: 'culprit',
      draw: (builder) =>
        behindTopic(
          builder.node('call', 'culprit', { headers: [{ name: 'authorization', value: '${FLOW_NOWHERE}' }] }),
        ),
      code: 'VARIABLE_MISSING',
      says: /FLOW_NOWHERE/,
    },
  ],
  database: [
    {
      what: 'a column that is written twice',
      node: 'culprit',
      draw: (builder) =>
        behindTopic(
          builder.node('database', 'culprit', {
            columns: { as: 'columns', columns: [{ name: 'id', path: 'n', type: 'integer' }] },
          }),
        ),
      code: 'FLOW_INVALID',
      says: /culprit writes the column id twice: give each value a column of its own/,
    },
    {
      what: 'a variable that is not set',
      node: 'culprit',
      draw: (builder) =>
        behindTopic(
          builder.node('database', 'culprit', {
            target: { engine: 'postgres', connection: '${FLOW_NOWHERE}' },
          }),
        ),
      code: 'VARIABLE_MISSING',
      says: /FLOW_NOWHERE/,
    },
  ],
  file: [
    {
      what: 'a file that another node writes',
      node: 'culprit',
      draw: (builder) =>
        builder
          .node('http', 'door')
          .node('topic', 'in')
          .node('file', 'another', { path: 'same.jsonl' })
          .node('file', 'culprit', { path: 'same.jsonl' })
          .edges('door > in', 'in > another', 'in > culprit'),
      code: 'SINK_FAILED',
      says: /Another node already writes same\.jsonl; give each its own file/,
    },
  ],
  log: [
    {
      what: 'a level that does not exist',
      node: 'culprit',
      draw: (builder) =>
        builder
          .node('http', 'door')
          .node('topic', 'in')
          .node('log', 'culprit', { level: 'loud' as 'info' })
          .edges('door > in', 'in > culprit'),
      code: 'FLOW_INVALID',
      says: /level/,
    },
  ],
};
