import { describe, expect, it } from 'vitest';
import { NO_FILTER } from './traceList.ts';
import { NO_SEARCH, parseSearch } from './traceQuery.ts';

const NODES = [
  { id: 'node:1', name: 'Charge card' },
  { id: 'node:2', name: 'charge' },
  { id: 'node:3', name: 'orders' },
];
const parse = (query: string, chosen = {}) => parseSearch({ ...NO_SEARCH, ...chosen, query }, NODES);

describe('the query above the list of traces', () => {
  it('reads fields in any order, and takes all else for words', () => {
    const query = 'a-17 status:failed node:charge key:"a b" type:order duration>200ms code:handler_threw x';
    expect(parse(query)).toEqual({
      filter: {
        text: 'a-17 x',
        status: 'failed',
        nodeId: 'node:2',
        key: 'a b',
        type: 'order',
        durationMsMin: 200,
        errorCode: 'HANDLER_THREW',
      },
      problem: null,
    });
  });

  it.each([
    ['duration>1.5s', 1500],
    ['duration>=2m', 120_000],
    ['duration>250', 250],
    ['Duration>500us', 0.5],
  ])('reads %s as %d ms', (query, durationMsMin) => {
    expect(parse(query).filter.durationMsMin).toBe(durationMsMin);
  });

  it('finds a node by its id, its name, or part of it', () => {
    expect(parse('node:node:3').filter.nodeId).toBe('node:3');
    expect(parse('node:CARD').filter.nodeId).toBe('node:1');
    expect(parse('node:"charge card"').filter.nodeId).toBe('node:1');
  });

  it('leaves ids with colons and quoted words as they are', () => {
    expect(parse('urn:uuid:4711').filter).toEqual({ ...NO_FILTER, text: 'urn:uuid:4711' });
    expect(parse('"status:failed"').filter).toEqual({ ...NO_FILTER, text: 'status:failed' });
  });

  it('says what makes no sense and looks for the rest', () => {
    expect(parse('status:bad key:k').problem).toContain('“bad”');
    expect(parse('status:bad key:k').filter).toEqual({ ...NO_FILTER, key: 'k' });
    expect(parse('node:nowhere').problem).toContain('no node called “nowhere”');
    expect(parse('code:NOPE').problem).toContain('“NOPE”');
    expect(parse('duration>soon').problem).toContain('200ms');
  });

  it('narrows what was chosen beside it, and overrules it', () => {
    const chosen = { status: 'ok' as const, nodeId: 'node:3' };
    expect(parse('', chosen).filter).toEqual({ ...NO_FILTER, ...chosen });
    expect(parse('status:retried', chosen).filter).toMatchObject({ status: 'retried', nodeId: 'node:3' });
    // A field without a value is still being typed.
    expect(parse('status:', chosen)).toEqual({ filter: { ...NO_FILTER, ...chosen }, problem: null });
  });
});
