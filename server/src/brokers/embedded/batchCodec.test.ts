import type { Message } from '@millrace/shared/message/message.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { testMessages } from '../contract/testMessages.ts';
import { messageBytes } from '../readRules.ts';
import { openBatch, prepareBatch, writeBatch } from './batchCodec.ts';

function stored(messages: Message[], from?: number, to?: number): Uint8Array {
  const batch = prepareBatch(messages, from, to);
  const target = Buffer.from(new ArrayBuffer(batch.bytes));
  expect(writeBatch(batch, target, 0)).toBe(batch.bytes);
  return target;
}

const text = (ascii: boolean) => fc.string({ unit: ascii ? 'grapheme-ascii' : 'binary' });
const anyMessage = (ascii: boolean): fc.Arbitrary<Message> =>
  fc.record(
    {
      id: text(ascii),
      source: text(ascii),
      type: text(ascii),
      timeMs: fc.double({ noNaN: true, min: 0, max: 1e15 }).map((value) => value + 0),
      key: fc.option(text(ascii)),
      correlationId: fc.constantFrom('id', 'root', ''),
      causationId: fc.option(fc.constantFrom('id', 'root', '')),
      data: text(ascii),
      subject: text(ascii),
      dataschema: text(ascii),
      traceparent: text(ascii),
      extensions: fc.dictionary(
        fc.string({ minLength: 1, unit: fc.constantFrom('a', 'b', '1') }),
        fc.oneof(text(ascii), fc.boolean(), fc.nat()),
        { noNullPrototype: true },
      ),
    },
    { requiredKeys: ['id', 'source', 'type', 'timeMs', 'key', 'correlationId', 'causationId', 'data'] },
  );

it('gives back any range of any batch, ASCII or not', { timeout: 30_000 }, () => {
  const batch = fc.boolean().chain((ascii) => fc.array(anyMessage(ascii), { minLength: 1, maxLength: 12 }));
  fc.assert(
    fc.property(batch, fc.nat(), fc.nat(), (messages, a, b) => {
      const opened = openBatch(stored(messages));
      expect(opened.count).toBe(messages.length);
      expect(opened.messages(0, messages.length)).toEqual(messages);
      const from = a % messages.length;
      const to = from + (b % (messages.length - from + 1));
      expect(opened.messages(from, to)).toEqual(messages.slice(from, to));
      expect(opened.keys()).toEqual(messages.map(({ key }) => key));
      expect(messages.map((_, index) => opened.sizeOf(index))).toEqual(messages.map(messageBytes));
    }),
    { numRuns: 60 },
  );
});

it('keeps a pair of surrogates apart that two messages share', () => {
  const [first, second] = testMessages(2) as [Message, Message];
  const messages = [
    { ...first, data: '"\ud83d' },
    { ...second, id: '\ude00' },
  ];
  expect(openBatch(stored(messages)).messages(0, 2)).toEqual([
    { ...first, data: '"\ufffd' },
    { ...second, id: '\ufffd' },
  ]);
});

it('opens a batch wherever its bytes lie in memory', () => {
  const bytes = stored(testMessages(3));
  const shifted = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3);
  expect(openBatch(shifted).messages(0, 3)).toEqual(testMessages(3));
});

it('takes a part of what is appended', () => {
  expect(openBatch(stored(testMessages(10), 4, 7)).messages(0, 3)).toEqual(testMessages(3, 4));
});

it('refuses bytes that are no batch', () => {
  expect(() => openBatch(new Uint8Array(4))).toThrow('Invariant broken');
  expect(() => openBatch(new Uint8Array(400))).toThrow('Invariant broken');
  const bytes = stored(testMessages(3));
  expect(() => openBatch(bytes.subarray(0, 60))).toThrow('Invariant broken');
});
