import type { FlowEdge, FlowNode } from '../document.ts';
import { edgeRole, judgeConnection } from '../graph.ts';
import { DEAD_LETTER_PORT, OUT_PORT } from '../records/delivery.ts';
import { familyOf, outputsOf } from '../records/registry.ts';
import { OTHERWISE_PORT } from '../records/route.ts';
import { removeEdge, topicAfter, topicBetween } from './fixes.ts';
import { edgePath, nodePath, type Problem, type ValidationContext } from './problem.ts';

/** What is wrong with each connection by itself. */
export function edgeProblems(context: ValidationContext): Problem[] {
  const { document, graph } = context;
  const seen = new Set<string>();
  return document.edges.flatMap((edge): Problem[] => {
    const at = { path: edgePath(context, edge), edgeId: edge.id };
    const source = graph.nodes.get(edge.source);
    const target = graph.nodes.get(edge.target);
    if (!source || !target) {
      const missing = [source ? '' : edge.source, target ? '' : edge.target].filter(Boolean).join(' and ');
      return [
        {
          code: 'dangling-edge',
          severity: 'error',
          message: `This connection leads to a node that is not there (${missing}).`,
          ...at,
          fixes: [removeEdge(edge)],
        },
      ];
    }
    if (edgeRole(graph, edge) === undefined) {
      return [
        {
          code: 'unknown-port',
          severity: 'error',
          message: `${source.name} has no output named ${edge.sourcePort}.`,
          ...at,
          fixes: [removeEdge(edge)],
        },
      ];
    }
    const same = `${edge.source}\n${edge.sourcePort}\n${edge.target}`;
    if (seen.has(same)) {
      return [
        {
          code: 'duplicate-edge',
          severity: 'error',
          message: `${source.name} is connected to ${target.name} twice.`,
          ...at,
          fixes: [removeEdge(edge, 'Remove the second connection')],
        },
      ];
    }
    seen.add(same);
    return judged(context, edge, at);
  });
}

function judged(context: ValidationContext, edge: FlowEdge, at: { path: string; edgeId: string }): Problem[] {
  // Without other edges, so that the edge does not count as its own twin.
  const verdict = judgeConnection({ ...context.graph, outgoing: new Map() }, edge);
  if (verdict.ok) return [];
  if (verdict.reason === 'needs-topic') {
    return [
      {
        code: 'needs-topic',
        severity: 'error',
        message: verdict.sentence,
        ...at,
        fixes: [...topicBetween(context, edge), removeEdge(edge)],
      },
    ];
  }
  const isTopic = (id: string): boolean => context.graph.nodes.get(id)?.kind === 'topic';
  const code = isTopic(edge.source) && isTopic(edge.target) ? 'topic-to-topic' : 'wiring-not-allowed';
  return [{ code, severity: 'error', message: verdict.sentence, ...at, fixes: [removeEdge(edge)] }];
}

/** What a node lacks around it. */
export function connectionProblems(context: ValidationContext): Problem[] {
  return context.document.nodes.flatMap((node) => {
    const family = familyOf(node.kind);
    if (family === 'producer') return producerProblems(context, node);
    return family === 'topic' ? topicProblems(context, node) : consumerProblems(context, node);
  });
}

function producerProblems(context: ValidationContext, node: FlowNode): Problem[] {
  if ((context.graph.outgoing.get(node.id) ?? []).length > 0) return [];
  const message = `${node.name} has no topic to write to: connect it to one.`;
  return [
    {
      code: 'producer-without-topic',
      severity: 'error',
      message,
      path: nodePath(context.document, node),
      nodeId: node.id,
      fixes: topicAfter(context, node, OUT_PORT.id),
    },
  ];
}

function topicProblems({ document, graph }: ValidationContext, node: FlowNode): Problem[] {
  const incoming = graph.incoming.get(node.id) ?? [];
  const at = { path: nodePath(document, node), nodeId: node.id, fixes: [] };
  const problems: Problem[] = [];
  if (incoming.length === 0) {
    problems.push({
      code: 'topic-without-writer',
      severity: 'warning',
      message: `Nothing writes to ${node.name}: connect a producer or a consumer’s output to it.`,
      ...at,
    });
  }
  // Dead letters rest where they are until somebody looks at them.
  const holdsDeadLetters =
    incoming.length > 0 && incoming.every((edge) => edgeRole(graph, edge) === 'dead-letter');
  if ((graph.outgoing.get(node.id) ?? []).length === 0 && !holdsDeadLetters) {
    problems.push({
      code: 'topic-without-reader',
      severity: 'warning',
      message: `Nobody reads ${node.name}: connect it to a consumer.`,
      ...at,
    });
  }
  return problems;
}

function consumerProblems(context: ValidationContext, node: FlowNode): Problem[] {
  const { document, graph } = context;
  const at = { path: nodePath(document, node), nodeId: node.id };
  const problems: Problem[] = [];
  if ((graph.incoming.get(node.id) ?? []).length === 0) {
    problems.push({
      code: 'consumer-without-subscription',
      severity: 'warning',
      message: `${node.name} reads no topic and will do nothing: connect a topic to it.`,
      ...at,
      fixes: [],
    });
  }
  const used = new Set((graph.outgoing.get(node.id) ?? []).map((edge) => edge.sourcePort));
  for (const port of outputsOf(node)) {
    // Code may well emit nothing; whether it does cannot be told without running it.
    if (port.role !== 'publish' || port.isOptional || used.has(port.id) || node.kind === 'handler') continue;
    problems.push({
      code: 'output-unconnected',
      severity: port.id === OTHERWISE_PORT ? 'info' : 'warning',
      message: `Output ${port.label} of ${node.name} is connected to nothing: what goes there is dropped and counted.`,
      ...at,
      fixes: topicAfter(context, node, port.id),
    });
  }
  if (
    'afterLastAttempt' in node.config &&
    node.config.afterLastAttempt === 'dead-letter' &&
    !used.has(DEAD_LETTER_PORT.id)
  ) {
    problems.push({
      code: 'dead-letters-automatic',
      severity: 'info',
      message: `Dead letters of ${node.name} are parked in an automatic topic named ${node.name}.dead-letters.`,
      ...at,
      fixes: topicAfter(context, node, DEAD_LETTER_PORT.id),
    });
  }
  return problems;
}

/** Ways of a message back to where it was: topic → consumer → … → the same topic. One problem per knot of nodes. */
export function loopProblems({ document, graph }: ValidationContext): Problem[] {
  return knotsOf(document.nodes, (node) =>
    (graph.outgoing.get(node.id) ?? []).flatMap((edge) => graph.nodes.get(edge.target) ?? []),
  ).map((knot) => {
    const consumer = knot.find((node) => familyOf(node.kind) === 'consumer') ?? (knot[0] as FlowNode);
    const names = [...knot, knot[0] as FlowNode].map((node) => node.name).join(' → ');
    return {
      code: 'loop',
      severity: 'warning',
      message: `Messages may go round for ever: ${names}. Make sure that something ends it.`,
      path: nodePath(document, consumer),
      nodeId: consumer.id,
      fixes: [],
    };
  });
}

/** Strongly connected parts of more than one node (Tarjan), each as one closed walk; without recursion. */
function knotsOf(nodes: readonly FlowNode[], next: (node: FlowNode) => FlowNode[]): FlowNode[][] {
  const order = new Map<FlowNode, number>();
  const low = new Map<FlowNode, number>();
  const open: FlowNode[] = [];
  const isOpen = new Set<FlowNode>();
  const knots: FlowNode[][] = [];
  const lower = (node: FlowNode, value: number): void => {
    low.set(node, Math.min(low.get(node) as number, value));
  };
  for (const root of nodes) {
    if (order.has(root)) continue;
    const walk: { node: FlowNode; rest: FlowNode[] }[] = [];
    const enter = (node: FlowNode): void => {
      order.set(node, order.size);
      low.set(node, order.get(node) as number);
      open.push(node);
      isOpen.add(node);
      walk.push({ node, rest: next(node) });
    };
    enter(root);
    for (let step = walk.at(-1); step; step = walk.at(-1)) {
      const target = step.rest.pop();
      if (target === undefined) {
        walk.pop();
        const parent = walk.at(-1);
        if (parent) lower(parent.node, low.get(step.node) as number);
        if (low.get(step.node) !== order.get(step.node)) continue;
        const part = open.splice(open.indexOf(step.node));
        for (const node of part) isOpen.delete(node);
        if (part.length > 1) knots.push(closedWalk(part, next));
      } else if (!order.has(target)) enter(target);
      else if (isOpen.has(target)) lower(step.node, order.get(target) as number);
    }
  }
  return knots;
}

/** The shortest way from the first topic of a knot back to itself, so that the message names a real path. */
function closedWalk(part: readonly FlowNode[], next: (node: FlowNode) => FlowNode[]): FlowNode[] {
  const inside = new Set(part);
  const start = part.find((node) => node.kind === 'topic') ?? (part[0] as FlowNode);
  const cameFrom = new Map<FlowNode, FlowNode>();
  const queue: FlowNode[] = [start];
  for (let i = 0; i < queue.length; i++) {
    const node = queue[i] as FlowNode;
    for (const target of next(node)) {
      if (target === start) return wayTo(node, start, cameFrom);
      if (!inside.has(target) || cameFrom.has(target)) continue;
      cameFrom.set(target, node);
      queue.push(target);
    }
  }
  return [...part];
}

function wayTo(end: FlowNode, start: FlowNode, cameFrom: ReadonlyMap<FlowNode, FlowNode>): FlowNode[] {
  const way: FlowNode[] = [];
  for (let node: FlowNode | undefined = end; node && node !== start; node = cameFrom.get(node))
    way.unshift(node);
  return [start, ...way];
}
