import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { graphOf } from '@millrace/shared/flow/graph.ts';
import { NODE_KINDS } from '@millrace/shared/flow/records/registry.ts';
import type { BrowsedMessage } from '@millrace/shared/protocol/entities.ts';
import { zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { metricsSnapshot, subscriptionProgress } from '@millrace/shared/trace/testing/metricsSnapshot.ts';
import { describe, expect, it } from 'vitest';
import { deadLetterFacts } from './deadLetter.ts';
import { around, inShownOrder, NEWEST, neighbour, requestOf } from './topicQuery.ts';
import { browsableTopics, partitionLines } from './topics.ts';

function message(partition: number, offset: number, appendedMs: number): BrowsedMessage {
  return {
    partition,
    offset,
    id: `${partition}-${offset}`,
    type: 't',
    source: 's',
    timeMs: 0,
    appendedMs,
    key: null,
    correlationId: 'c',
    causationId: null,
    extensions: {},
    data: '{}',
    bytes: 2,
    truncated: false,
  };
}

function graph() {
  const document = emptyDocument('flow:a', 'A');
  document.nodes = [
    {
      id: 'node:t',
      kind: 'topic',
      name: 'orders',
      description: '',
      config: { ...NODE_KINDS.topic.initial(), partitions: 2 },
    },
    { id: 'node:h', kind: 'handler', name: 'Payment', description: '', config: NODE_KINDS.handler.initial() },
  ];
  document.edges = [{ id: 'edge:th', source: 'node:t', sourcePort: 'messages', target: 'node:h' }];
  return graphOf(document);
}

const METRICS = metricsSnapshot({
  topics: { 'node:t': { start: [0, 0], end: [5, 7] }, 'node:h.dead-letters': { start: [0], end: [2] } },
  subscriptions: { 'edge:th': subscriptionProgress([5, 4], 3) },
});

describe('topics of a run', () => {
  it('[DL4] lists the topics that the run made for dead letters', () => {
    expect(browsableTopics(graph(), METRICS, {})).toEqual([
      { id: 'node:t', automatic: false, partitions: 2, messages: 12 },
      { id: 'node:h.dead-letters', automatic: true, partitions: 1, messages: 2 },
    ]);
  });

  it('[DL4] still knows them when the run is over and has no metrics', () => {
    const counters = {
      'node:h': { ...zeroCounters(), deadLettered: 2 },
      'node:t': { ...zeroCounters(), in: 12 },
    };
    expect(browsableTopics(graph(), null, counters).map((topic) => [topic.id, topic.messages])).toEqual([
      ['node:t', 12],
      ['node:h.dead-letters', 2],
    ]);
  });

  it('[CG4] shows lag as end minus committed, per partition', () => {
    const lines = partitionLines(
      'node:t',
      [
        { start: 0, end: 5 },
        { start: 0, end: 6 },
      ],
      graph(),
      METRICS,
    );
    expect(lines.map((line) => [line.end, line.groups[0]?.lag])).toEqual([
      [5, 0],
      [7, 3],
    ]);
  });
});

describe('reading a topic', () => {
  it('orders the newest on top, and an offset range as the log has it', () => {
    const messages = [message(0, 1, 10), message(1, 4, 30), message(0, 2, 20)];
    expect(inShownOrder(messages, NEWEST).map((one) => one.appendedMs)).toEqual([30, 20, 10]);
    expect(inShownOrder(messages, around(0, 2)).map((one) => one.offset)).toEqual([1, 2, 4]);
  });

  it('pages through one partition and stops at its ends', () => {
    const query = { from: 'newest', partition: 0, key: '' } as const;
    const shown = [message(0, 250, 1), message(0, 150, 1)];
    const bounds = { start: 20, end: 251 };
    expect(neighbour(query, 'older', shown, bounds)).toEqual({
      from: 'offset',
      partition: 0,
      key: '',
      offset: 50,
    });
    expect(neighbour(query, 'newer', shown, bounds)).toBeNull();
    expect(neighbour(around(0, 30), 'newer', [message(0, 119, 1)], bounds)).toMatchObject({ offset: 120 });
    expect(neighbour(around(0, 30), 'older', [message(0, 20, 1)], bounds)).toBeNull();
    expect(neighbour(NEWEST, 'older', shown, bounds)).toBeNull();
  });

  it('asks for exactly what is chosen', () => {
    expect(requestOf('node:t', NEWEST)).toMatchObject({ partition: null, fromOffset: null });
    expect(requestOf('node:t', { ...NEWEST, key: ' k ' })).toMatchObject({ key: 'k' });
    expect(requestOf('node:t', around(1, 5))).toMatchObject({ partition: 1, fromOffset: 0 });
  });

  it('[DL4] reads what a dead letter says of its past', () => {
    expect(deadLetterFacts({})).toBeNull();
    expect(
      deadLetterFacts({
        dltopic: 'orders',
        dlpartition: 1,
        dloffset: 4,
        dlattempts: 3,
        dllasterror: 'declined',
      }),
    ).toMatchObject({
      topic: 'orders',
      partition: 1,
      offset: 4,
      attempts: 3,
      last: { message: 'declined' },
      stack: null,
    });
  });
});
