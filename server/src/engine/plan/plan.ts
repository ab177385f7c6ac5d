import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { automaticDeadLetters } from '@millrace/shared/flow/deadLetterTopics.ts';
import type { FlowDocument, FlowEdge, FlowNode } from '@millrace/shared/flow/document.ts';
import { edgeRole, type FlowGraph, graphOf, judgeConnection } from '@millrace/shared/flow/graph.ts';
import type {
  Guarantee,
  Idempotency,
  Order,
  RetryPolicy,
  WhenDeleted,
} from '@millrace/shared/flow/records/delivery.ts';
import type { NodeKind } from '@millrace/shared/flow/records/registry.ts';
import { outputsOf } from '@millrace/shared/flow/records/registry.ts';
import type { ConsumerOperator, ProducerOperator } from '../operators/operator.ts';
import { operatorOf } from '../operators/registry.ts';

/** What a drawing means when it runs: who writes where, who reads what, and what becomes of failures. */
export type ExecutionPlan = {
  flowId: string;
  flowName: string;
  /** All topics, the automatic dead-letter topics included; what `Broker.open` is given. */
  topics: PlannedTopic[];
  producers: PlannedProducer[];
  consumers: PlannedConsumer[];
  /** Edges from a producer's or a consumer's output to a topic. */
  publishEdges: { edgeId: string; node: string; topic: string }[];
};

export type PlannedTopic = {
  /** The topic's node id; that of an automatic dead-letter topic is made from its consumer's. */
  topic: string;
  name: string;
  partitions: number;
  /** Path into the payload that keys messages arriving without a key; '' for none. */
  keyPath: string;
  schemaId: string | null;
  /** Rule TP5: what becomes of a payload that does not fit the schema. */
  schemaPolicy: 'reject' | 'dead-letter' | 'flag';
  /** With the policy `dead-letter`: where it goes. */
  deadLetterTopics: string[];
  /** Rule TP4; 0 means no limit. */
  retention: { ageMs: number; bytes: number; messages: number };
  cleanup: 'delete' | 'compact';
  tombstoneMs: number;
  /** A dead-letter topic that nobody drew: it belongs to this consumer. */
  automaticFor: string | null;
};

export type PlannedProducer = {
  node: string;
  name: string;
  kind: NodeKind;
  /** CloudEvents `source` of its messages. */
  source: string;
  topics: string[];
  /** Rule TP6. */
  whenFull: 'block' | 'drop' | 'fail';
  operator: ProducerOperator;
};

export type StartFrom =
  | { at: 'earliest' }
  | { at: 'latest' }
  | { at: 'time'; time: string }
  | { at: 'offset'; offset: number };

export type PlannedConsumer = {
  node: string;
  name: string;
  kind: NodeKind;
  source: string;
  /** `backlog` is the limit of this edge, null where the flow's settings say it (TP6). */
  subscriptions: { edgeId: string; topic: string; backlog: { messages: number; bytes: number } | null }[];
  guarantee: Guarantee;
  order: Order;
  idempotency: Idempotency;
  instances: number;
  concurrency: number;
  whenDeleted: WhenDeleted;
  /** Output port → topics it feeds; ports without a connection are there with an empty list. */
  outputs: Record<string, string[]>;
  /** Name of a connected topic → its id. */
  topicsByName: Record<string, string>;
  deadLetterTopics: string[];
  retry: RetryPolicy;
  afterLastAttempt: 'dead-letter' | 'skip' | 'stop';
  startFrom: StartFrom;
  operator: ConsumerOperator;
};

/** Throws FLOW_INVALID for a drawing that cannot run; what merely looks unwise is the validation's business. */
export function buildPlan(document: FlowDocument): ExecutionPlan {
  const graph = graphOf(document);
  if (document.nodes.length === 0)
    throw invalid('The flow is empty: add a producer, a topic and a consumer.', []);
  for (const edge of document.edges) checkEdge(graph, edge);
  const plan: ExecutionPlan = {
    flowId: document.id,
    flowName: document.name,
    topics: [],
    producers: [],
    consumers: [],
    publishEdges: document.edges
      .filter((edge) => edgeRole(graph, edge) === 'publish')
      .map(({ id, source, target }) => ({ edgeId: id, node: source, topic: target })),
  };
  const topicNames = new Map<string, string>();
  for (const node of document.nodes) {
    const operator = operatorOf(node);
    if (operator.family === 'topic') {
      const twin = topicNames.get(node.name);
      if (twin !== undefined) {
        throw invalid(
          `Two topics are named ${node.name}: rename one, because code and dead letters address topics by name.`,
          [node.id, twin],
        );
      }
      topicNames.set(node.name, node.id);
      const { family: _, ...policies } = operator;
      plan.topics.push({
        topic: node.id,
        name: node.name,
        ...policies,
        deadLetterTopics: [],
        automaticFor: null,
      });
    }
  }
  for (const topic of [...plan.topics]) planTopicDeadLetters(graph, topic, plan.topics);
  for (const node of document.nodes) {
    const operator = operatorOf(node);
    if (operator.family === 'producer') {
      const topics = targetsOf(graph, node, 'publish').map(({ target }) => target);
      if (topics.length === 0)
        throw invalid(`${node.name} has no topic to write to: connect it to one.`, [node.id]);
      plan.producers.push({
        node: node.id,
        name: node.name,
        kind: node.kind,
        source: sourceOf(document, node),
        topics,
        whenFull: 'whenFull' in node.config ? node.config.whenFull : 'block',
        operator,
      });
    } else if (operator.family === 'consumer') {
      plan.consumers.push(planConsumer(document, graph, node, operator, plan.topics));
    }
  }
  return plan;
}

/** A topic that parks what does not fit its schema has a topic for it, drawn or automatic. */
function planTopicDeadLetters(graph: FlowGraph, topic: PlannedTopic, topics: PlannedTopic[]): void {
  if (topic.schemaId === null || topic.schemaPolicy !== 'dead-letter') return;
  const node = graph.nodes.get(topic.topic) as FlowNode;
  topic.deadLetterTopics = targetsOf(graph, node, 'dead-letter').map(({ target }) => target);
  if (topic.deadLetterTopics.length > 0) return;
  const automatic = plannedDeadLetters(node);
  topics.push(automatic);
  topic.deadLetterTopics.push(automatic.topic);
}

function plannedDeadLetters(node: FlowNode): PlannedTopic {
  const { topicId, name } = automaticDeadLetters(node);
  return {
    topic: topicId,
    name,
    partitions: 1,
    keyPath: '',
    schemaId: null,
    schemaPolicy: 'reject',
    deadLetterTopics: [],
    retention: { ageMs: 0, bytes: 0, messages: 0 },
    cleanup: 'delete',
    tombstoneMs: 0,
    automaticFor: node.id,
  };
}

function planConsumer(
  document: FlowDocument,
  graph: FlowGraph,
  node: FlowNode,
  operator: ConsumerOperator,
  topics: PlannedTopic[],
): PlannedConsumer {
  if (!('retry' in node.config)) throw invalid(`${node.name} has no delivery settings.`, [node.id]);
  const { retry, afterLastAttempt, startFrom } = node.config;
  const { guarantee, order, idempotency, instances, concurrency, whenDeleted } = node.config;
  const outputs: Record<string, string[]> = {};
  for (const port of outputsOf(node)) if (port.role === 'publish') outputs[port.id] = [];
  const topicsByName: Record<string, string> = {};
  for (const edge of targetsOf(graph, node, 'publish')) {
    outputs[edge.sourcePort]?.push(edge.target);
    const name = graph.nodes.get(edge.target)?.name;
    if (name !== undefined) topicsByName[name] = edge.target;
  }
  const deadLetterTopics = targetsOf(graph, node, 'dead-letter').map(({ target }) => target);
  if (deadLetterTopics.length === 0 && afterLastAttempt === 'dead-letter') {
    const automatic = plannedDeadLetters(node);
    topics.push(automatic);
    deadLetterTopics.push(automatic.topic);
  }
  const subscriptions = (graph.incoming.get(node.id) ?? []).map((edge) => ({
    edgeId: edge.id,
    topic: edge.source,
    backlog: edge.backlog ?? null,
  }));
  const { id, name, kind } = node;
  const source = sourceOf(document, node);
  return {
    node: id,
    name,
    kind,
    source,
    subscriptions,
    outputs,
    topicsByName,
    deadLetterTopics,
    guarantee,
    order,
    idempotency,
    instances,
    concurrency,
    whenDeleted,
    retry,
    afterLastAttempt,
    startFrom,
    operator,
  };
}

function targetsOf(graph: FlowGraph, node: FlowNode, role: 'publish' | 'dead-letter'): FlowEdge[] {
  return (graph.outgoing.get(node.id) ?? []).filter((edge) => edgeRole(graph, edge) === role);
}

/** A URI reference, as CloudEvents asks, that names the node across renames. */
function sourceOf(document: FlowDocument, node: FlowNode): string {
  return `/flows/${document.id}/nodes/${node.id}`;
}

function checkEdge(graph: FlowGraph, edge: FlowEdge): void {
  // The edge itself must not count as its own twin.
  const others = (graph.outgoing.get(edge.source) ?? []).filter((other) => other.id !== edge.id);
  const without: FlowGraph = { ...graph, outgoing: new Map([[edge.source, others]]) };
  const verdict = judgeConnection(without, edge);
  if (!verdict.ok) throw invalid(verdict.sentence, [edge.id]);
}

function invalid(message: string, records: string[]): WorkbenchError {
  return new WorkbenchError('FLOW_INVALID', message, { details: { records } });
}
