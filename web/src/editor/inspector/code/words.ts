import type { FlowNode } from '@millrace/shared/flow/document.ts';
import type { FlowGraph } from '@millrace/shared/flow/graph.ts';
import { outputsOf } from '@millrace/shared/flow/records/registry.ts';

export type CodeLanguage = 'handler' | 'expression' | 'template' | 'message' | 'json';
/** `apply` is what is put in where it differs from the name. */
export type Word = {
  name: string;
  detail: string;
  info?: string;
  kind: 'property' | 'method' | 'text';
  apply?: string;
};
export type Words = {
  event: readonly Word[];
  data: readonly Word[];
  ctx: readonly Word[];
  /** What `ctx.emit` may name. */
  targets: readonly Word[];
  template: readonly Word[];
};

const property = (name: string, detail: string, info: string): Word => ({
  name,
  detail,
  info,
  kind: 'property',
});
const method = (name: string, detail: string, info: string): Word => ({ name, detail, info, kind: 'method' });

/** The members of `event` in a handler or an expression. */
const EVENT: readonly Word[] = [
  property('data', 'payload', 'What the message carries, as plain JSON.'),
  property('id', 'string', 'The message’s id. A retry has the same one.'),
  property('type', 'string', 'CloudEvents type, such as com.example.order.placed.'),
  property('source', 'string', 'Who made it.'),
  property('time', 'string', 'When it happened, as an ISO text.'),
  property('timeMs', 'number', 'When it happened, in milliseconds since 1970.'),
  property('subject', 'string | null', 'What it is about.'),
  property('key', 'string | null', 'Its partition key.'),
  property('topic', 'string', 'The topic it was read from.'),
  property('partition', 'number', 'The partition it was read from.'),
  property('offset', 'number', 'Its place in the partition.'),
  property('attempt', 'number', '1 the first time, 2 at the first retry, …'),
  property('correlationId', 'string', 'Shared by everything one root message caused.'),
  property('causationId', 'string | null', 'The id of the message that caused this one.'),
  property('timer', 'object | null', 'Set when a timer of ctx.schedule fired.'),
];

const CTX: readonly Word[] = [
  method(
    'emit',
    '(target, data, { key, type, subject }?)',
    'Publishes to a connected topic, once the attempt succeeds.',
  ),
  property('state', 'get, set, delete', 'What this node remembers per key, durably.'),
  method('now', '(): number', 'The time in milliseconds. The same at a retry of the same attempt.'),
  method('random', '(): number', 'A number from 0 to 1, from the run’s seed.'),
  method('uuid', '(): string', 'A new id, from the run’s seed.'),
  method('log', '(...values)', 'Writes to the Logs panel; also log.debug, log.warn, log.error.'),
  method('fail', '(code, message?)', 'Ends the attempt as failed, under a code of yours.'),
  method('schedule', '(delayMs, data?)', 'Calls the handler again later, with event.timer set.'),
];

/** The most useful of what {{…}} can hold; each stands in a JSON string. */
const TEMPLATE: readonly Word[] = [
  ['index', 'counts from 0'],
  ['now', 'the time as an ISO text'],
  ['string.uuid', 'a UUID'],
  ['string.alphanumeric {"length":8}', 'letters and digits'],
  ['number.int {"min":1,"max":100}', 'a whole number'],
  ['number.float {"min":0,"max":1,"fractionDigits":2}', 'a number'],
  ['datatype.boolean', 'true or false'],
  ['person.fullName', 'a name'],
  ['internet.email', 'a mail address'],
  ['internet.ipv4', 'an address'],
  ['commerce.productName', 'a product'],
  ['commerce.price', 'a price'],
  ['finance.amount', 'an amount'],
  ['finance.currencyCode', 'EUR, USD, …'],
  ['location.city', 'a city'],
  ['location.country', 'a country'],
  ['location.latitude', 'degrees'],
  ['location.longitude', 'degrees'],
  ['date.recent', 'a time in the last day'],
  ['company.name', 'a company'],
  ['phone.number', 'a phone number'],
  ['lorem.sentence', 'a sentence'],
  ['helpers.arrayElement ["a","b","c"]', 'one of a list'],
].map(([name = '', detail = '']) => ({ name, detail, kind: 'text' as const, apply: `{{${name}}}` }));

/** What `{{…}}` holds where a message is given, besides the fields of its payload. */
const MESSAGE: readonly Word[] = [
  ['data', 'the whole payload'],
  ['id', 'id of the message'],
  ['key', 'its key'],
  ['type', 'its CloudEvents type'],
  ['subject', 'what it is about'],
  ['time', 'when it happened, as an ISO text'],
  ['correlationId', 'shared by all with the same root'],
].map(([name = '', detail = '']) => ({ name, detail, kind: 'text' as const }));

export function completionWords(graph: FlowGraph, nodeId: string, language: CodeLanguage): Words {
  const isCode = language === 'handler' || language === 'expression';
  return {
    event: isCode ? EVENT : [],
    data: isCode ? dataWords(graph, nodeId) : [],
    ctx: language === 'handler' ? CTX : [],
    targets: language === 'handler' ? targetWords(graph, nodeId) : [],
    template: templateWords(graph, nodeId, language),
  };
}

function templateWords(graph: FlowGraph, nodeId: string, language: CodeLanguage): readonly Word[] {
  if (language === 'template') return TEMPLATE;
  if (language !== 'message') return [];
  const fields = dataWords(graph, nodeId).map(
    (word): Word => ({ ...word, name: `data.${word.name}`, kind: 'text' }),
  );
  return [...fields, ...MESSAGE];
}

function targetWords(graph: FlowGraph, nodeId: string): Word[] {
  const node = graph.nodes.get(nodeId);
  if (!node) return [];
  const ports = outputsOf(node).filter((port) => port.role === 'publish');
  const topics = (graph.outgoing.get(nodeId) ?? []).flatMap((edge) => graph.nodes.get(edge.target) ?? []);
  return [
    ...ports.map((port): Word => ({ name: port.id, detail: 'output', kind: 'text' })),
    ...topics.map((topic): Word => ({ name: topic.name, detail: 'connected topic', kind: 'text' })),
  ];
}

/** Fields of the payload, as far as the drawing knows them: from the topic's schema, else from the templates that feed it. */
function dataWords(graph: FlowGraph, nodeId: string): Word[] {
  const words = new Map<string, Word>();
  for (const { source } of graph.incoming.get(nodeId) ?? []) {
    const topic = graph.nodes.get(source);
    if (topic?.kind !== 'topic') continue;
    const schema = graph.document.schemas.find(({ id }) => id === topic.config.schema);
    for (const [name, detail] of schema ? schemaFields(schema.schema) : feederFields(graph, topic.id)) {
      words.set(name, { name, detail, kind: 'property' });
    }
  }
  return [...words.values()];
}

function schemaFields(schema: Record<string, unknown>): [string, string][] {
  const { properties } = schema;
  if (typeof properties !== 'object' || properties === null) return [];
  return Object.entries(properties).map(([name, property]) => {
    const type =
      typeof property === 'object' && property !== null && 'type' in property ? property.type : undefined;
    return [name, typeof type === 'string' ? type : 'from the schema'];
  });
}

function feederFields(graph: FlowGraph, topicId: string): [string, string][] {
  return (graph.incoming.get(topicId) ?? []).flatMap(({ source }) => templateFields(graph.nodes.get(source)));
}

function templateFields(node: FlowNode | undefined): [string, string][] {
  if (node?.kind !== 'generator' && node?.kind !== 'schedule') return [];
  try {
    const payload: unknown = JSON.parse(node.config.payload);
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return [];
    return Object.keys(payload).map((name) => [name, `made by ${node.name}`]);
  } catch {
    return [];
  }
}
