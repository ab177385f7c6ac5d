import { emptyDocument, type FlowDocument } from '@millrace/shared/flow/document.ts';
import { describe, expect, it } from 'vitest';
import { createPayloadCheck } from './payloadCheck.ts';
import { testNode } from './testNodes.ts';

function documentWith(schema: Record<string, unknown>): FlowDocument {
  return {
    ...emptyDocument('flow:test', 'Test'),
    nodes: [testNode('topic', { schema: 'schema:order' }, 'node:orders'), testNode('topic', {}, 'node:free')],
    schemas: [{ id: 'schema:order', subject: 'order', version: 2, schema }],
  };
}

describe('the payload check', () => {
  const check = createPayloadCheck(
    documentWith({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://example.com/order',
      type: 'object',
      required: ['amount'],
      properties: { amount: { type: 'number' }, at: { type: 'string', format: 'date-time' } },
      unevaluatedProperties: false,
    }),
  );

  it('[TP5] lets through what fits and says what does not', () => {
    expect(check('node:orders', '{"amount":1,"at":"whenever"}')).toBeNull();
    expect(check('node:orders', '{"amount":"1"}')).toBe('data/amount must be number');
    expect(check('node:orders', '{}')).toBe("data must have required property 'amount'");
    expect(check('node:orders', '{"amount":1,"more":2}')).toMatch(/must NOT have unevaluated properties/);
    expect(check('node:orders', 'nope')).toBe('data is not JSON');
  });

  it('[TP5] has nothing to say about topics without a schema', () => {
    expect(check('node:free', '{}')).toBeNull();
    expect(check('node:unknown', '{}')).toBeNull();
  });

  it('takes several topics with one schema', () => {
    const document = documentWith({ $id: 'https://example.com/x', type: 'object' });
    document.nodes.push(testNode('topic', { schema: 'schema:order' }, 'node:again'));
    expect(createPayloadCheck(document)('node:again', '[]')).toBe('data must be object');
  });

  it('names a schema that is none, or that is missing', () => {
    expect(() => createPayloadCheck(documentWith({ type: 'objekt' }))).toThrow(
      /: the schema order \(version 2\) is not a JSON Schema/,
    );
    expect(() => createPayloadCheck({ ...documentWith({}), schemas: [] })).toThrow(
      /names the schema schema:order, which this flow does not have/,
    );
  });
});
