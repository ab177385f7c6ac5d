import { describe, expect, it } from 'vitest';
import { flow } from '../../simulator/testing/flowBuilder.ts';
import { buildPlan } from './plan.ts';

describe('buildPlan', () => {
  it('[DL4] gives a consumer without a dead-letter edge a topic of its own for dead letters', () => {
    const document = flow().node('topic', 'in').node('log', 'sink').edges('in > sink').document();
    const plan = buildPlan(document);
    expect(plan.topics.map(({ topic, name, partitions }) => [topic, name, partitions])).toEqual([
      ['node:in', 'in', 3],
      ['node:sink.dead-letters', 'sink.dead-letters', 1],
    ]);
    expect(plan.consumers[0]?.deadLetterTopics).toEqual(['node:sink.dead-letters']);
  });

  it('[DL4] uses the dead-letter edge where there is one, and makes none for a node that skips or stops', () => {
    const document = flow()
      .node('topic', 'in')
      .node('topic', 'dead')
      .node('log', 'first')
      .node('log', 'second', { afterLastAttempt: 'skip' })
      .edges('in > first', 'in > second', 'first.dead-letter > dead')
      .document();
    const plan = buildPlan(document);
    expect(plan.topics.map(({ topic }) => topic)).toEqual(['node:in', 'node:dead']);
    expect(plan.consumers[0]?.deadLetterTopics).toEqual(['node:dead']);
  });

  it('knows outputs by port and by topic name', () => {
    const document = flow()
      .node('topic', 'in')
      .node('route', 'split', { routes: [{ port: 'late', when: 'true' }] })
      .node('topic', 'delays')
      .edges('in > split', 'split.late > delays')
      .document();
    expect(buildPlan(document).consumers[0]).toMatchObject({
      outputs: { late: ['node:delays'], otherwise: [] },
      topicsByName: { delays: 'node:delays' },
    });
  });

  it.each([
    ['an empty drawing', flow(), 'empty'],
    ['a producer that writes nowhere', flow().node('generator', 'lonely'), 'no topic to write to'],
    [
      'a producer wired to a consumer',
      flow().node('generator', 'a').node('log', 'b').edges('a > b'),
      'put a topic between',
    ],
    ['two topics of one name', flow().node('topic', 'same').node('topic', 'other').edges(), null],
  ])('[RN1] refuses %s with FLOW_INVALID', (_, builder, sentence) => {
    const document = builder.document();
    if (sentence === null) for (const node of document.nodes) node.name = 'same';
    expect(() => buildPlan(document)).toThrowError(
      expect.objectContaining({
        code: 'FLOW_INVALID',
        message: expect.stringContaining(sentence ?? 'same'),
      }) as Error,
    );
  });
});
