import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyDocument, type FlowDocument } from '../flow/document.ts';
import { parseDocument } from '../flow/serialize.ts';
import type { Message } from '../message/message.ts';
import { traceRecord } from '../trace/testing/traceRecord.ts';
import { cloudEventLines } from './cloudEventsJsonl.ts';
import { EXPORT_FORMATS, exportFileName, exportFormat } from './formats.ts';
import { toMarkdown } from './markdown.ts';
import { toMermaid } from './mermaid.ts';
import { toSvg } from './svg.ts';
import { traceLine } from './traceJsonl.ts';
import { parseYaml, writeYaml } from './yaml.ts';

/** Any character but a lone surrogate; the library's own `binary` unit takes seconds to build. */
const anyCharacter = fc
  .integer({ min: 1, max: 0x10ffff })
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

const read = (path: string): FlowDocument =>
  parseDocument(readFileSync(new URL(path, import.meta.url), 'utf8')).document;
const orders = (): FlowDocument => read('../../../samples/orders.flow.json');
const everything = (): FlowDocument => read('../flow/fixtures/v1.flow.json');

/** Names as nasty as a person can type. */
const NASTY = 'a"b#c<d>&e`f\\g|h\n[i](j) *k*';
function nasty(): FlowDocument {
  const document = orders();
  for (const node of document.nodes) node.name = `${NASTY} ${node.id}`.slice(0, 80);
  document.name = NASTY;
  return document;
}

/** Many cases take longer on a busy machine. */
const PROPERTY_TIMEOUT_MS = 60_000;

describe('Mermaid', () => {
  it('draws families by shape, names outputs and dashes dead letters', () => {
    expect(toMermaid(orders())).toBe(`---
title: "Orders and payments"
---
flowchart LR
  n1(["Shop"])
  n2[("orders")]
  n3["Take payment"]
  n4[("paid-orders")]
  n5[("failed-payments")]
  n6["Paid"]
  n2 --> n3
  n4 --> n6
  n3 -.->|"dead letters"| n5
  n3 --> n4
  n1 --> n2
  classDef producer fill:#fcf0dc,stroke:#94590a,color:#17202a
  class n1 producer
  classDef topic fill:#e0edf7,stroke:#17648f,color:#17202a
  class n2,n4,n5 topic
  classDef consumer fill:#ece9fa,stroke:#5b48b0,color:#17202a
  class n3,n6 consumer
`);
  });

  it('escapes what would end or change a label', () => {
    expect(toMermaid(nasty())).toContain('"a#34;b#35;c#60;d#62;#38;e#96;f#92;g|h [i](j) *k* node:shop"');
  });
});

describe('Markdown', () => {
  const text = toMarkdown(orders());

  it('has a table row for every node, with its neighbours and settings', () => {
    expect(text).toContain(
      '| **Shop** | Generator | orders | Rate: 20 messages/s<br>Count: none<br>Event type: com.example.order.placed<br>Key: none |',
    );
    expect(text).toContain('| **orders** | 3 | `customer.id` | none | Shop | Take payment |');
    expect(text).toContain(
      '| **Take payment** | Handler | orders | paid-orders | failed-payments | Guarantee: exactly-once<br>Order: partition<br>Retry: attempts 4, back-off exponential, first delay 100 ms, longest delay 5000 ms, jitter 0.2, meanwhile in-order, not retried none<br>Skip duplicates: off<br>Instances: 1<br>Concurrency: 4 |',
    );
    expect(text).toContain('| **Paid** | Log | paid-orders | nothing | Paid.dead-letters |');
  });

  it('begins with name and description and shows diagram, code and templates as blocks', () => {
    expect(text.startsWith('# Orders and payments\n\nTwenty orders a second')).toBe(true);
    expect(text).toContain('1 producer, 3 topics, 2 consumers.');
    expect(text).toContain('```mermaid\n---\ntitle: "Orders and payments"');
    expect(text).toContain(
      '### Take payment\n\nFails now and then, on purpose.\n\nCode:\n\n```ts\ntype Order',
    );
    expect(text).toContain('Payload:\n\n```json\n{\n  "orderId": "{{string.uuid}}"');
    expect(text).not.toContain('## Problems');
  });

  it('lists schemas, routes and problems', () => {
    const document = everything();
    document.edges = document.edges.filter((edge) => edge.source !== 'node:http');
    const all = toMarkdown(document);
    expect(all).toContain('### order version 1\n\n```json\n{\n  "type": "object"');
    expect(all).toContain('| `large` | `event.data.amount > 100` |');
    expect(all).toContain('## Problems\n\n- **error**: ');
    expect(all).toContain('- **error**: HTTP ingest has no topic to write to');
    expect(all).toContain('Speed: by the time field, speed-up 60 ×');
  });

  it('shows the long texts of a setting as blocks, and its short ones in the table', () => {
    const all = toMarkdown(read('../flow/fixtures/v2.flow.json'));
    expect(all).toContain(
      'Method: PUT<br>URL: https://example.com/orders/{{data.id}}<br>Headers: name authorization',
    );
    expect(all).toContain('Body: json<br>');
    expect(all).toContain('Body, json:\n\n```json\n{\n  "amount": "{{data.amount}}"\n}\n```');
    expect(all).toContain(
      'Database: postgresql, connection postgres://app:${FLOW\\_DB\\_PASSWORD}@localhost/shop<br>Table: orders<br>Row: payload, path order.id<br>Columns: one per value, mapping name amount, path order.amount, type real',
    );
  });

  it('lets no name break its tables', () => {
    for (const line of toMarkdown(nasty()).split('\n')) {
      if (!line.startsWith('| **')) continue;
      expect(line.replaceAll('\\|', '').split('|').length, line).toBeLessThanOrEqual(8);
      expect(line).not.toContain('<d>');
    }
  });

  it('fences code that has fences of its own', () => {
    const document = orders();
    for (const node of document.nodes) if (node.kind === 'handler') node.config.code = '// ```\n';
    expect(toMarkdown(document)).toContain('````ts\n// ```\n````');
  });
});

describe('SVG', () => {
  it('is a well-formed picture with every node, edge and icon', () => {
    const svg = toSvg(everything(), { theme: 'dark' });
    expectWellFormed(svg);
    for (const node of everything().nodes) expect(svg).toContain(`<title>${node.name}</title>`);
    expect(svg.match(/marker-end=/g)).toHaveLength(everything().edges.length);
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(1);
    expect(svg.match(/scale\(0\.6667\)/g)).toHaveLength(everything().nodes.length);
  });

  it('has the colours of the asked scheme', () => {
    expect(toSvg(orders(), { theme: 'light' })).toContain('fill="#f5f7f9"');
    expect(toSvg(orders(), { theme: 'dark' })).toContain('fill="#11161a"');
  });

  it('escapes names, leaves out what XML forbids and cuts what is too long', () => {
    const document = nasty();
    document.name = `\u0000\ud800 ${'long '.repeat(20)}`;
    const svg = toSvg(document);
    expectWellFormed(svg);
    expect(svg).toContain('a&quot;b#c&lt;d&gt;&amp;');
    expect(svg).toContain('…</text>');
  });

  it('draws a flow without positions and one without nodes', () => {
    expectWellFormed(toSvg({ ...orders(), layout: { nodes: {} } }));
    expectWellFormed(toSvg(emptyDocument('flow:empty', 'Nothing yet')));
    expect(toSvg(orders())).not.toContain('NaN');
  });

  /** Tags that match and no bare ampersand or control character; Node has no XML parser of its own. */
  function expectWellFormed(svg: string): void {
    const open: string[] = [];
    for (const [, close, name, selfClosed] of svg.matchAll(
      /<(\/?)([a-zA-Z]+)(?:\s+[\w:-]+="[^"<]*")*\s*(\/?)>/g,
    )) {
      if (close) expect(open.pop()).toBe(name);
      else if (!selfClosed) open.push(name ?? '');
    }
    expect(open).toEqual([]);
    const rest = svg
      .replaceAll(/<\/?[a-zA-Z]+(?:\s+[\w:-]+="[^"<]*")*\s*\/?>/g, '')
      .replaceAll(/&(amp|lt|gt|quot);/g, '');
    expect(rest).not.toMatch(/[<>&]/);
    expect([...svg].every((character) => character >= ' ' || character === '\n')).toBe(true);
    expect(svg.isWellFormed()).toBe(true);
  }
});

describe('messages and traces as JSONL', () => {
  const message: Message = {
    id: 'm1',
    source: '/flows/f/nodes/n',
    type: 'order.placed',
    timeMs: 0,
    key: 'k',
    correlationId: 'm1',
    causationId: null,
    data: '{"text":"two\\nlines"}',
  };

  it('[MS1] are CloudEvents, one a line', () => {
    const lines = [
      ...cloudEventLines([
        { message, offset: 7 },
        { message, offset: 8 },
      ]),
    ];
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      specversion: '1.0',
      id: 'm1',
      sequence: '00000000000000000007',
      partitionkey: 'k',
      correlationid: 'm1',
      data: { text: 'two\nlines' },
    });
  });

  it('[TR1] traces are CloudEvents too, which leave out what does not apply to a record', () => {
    const record = traceRecord({ kind: 'produced', timeMs: 5, nodeId: 'node:a', messageType: 't' });
    const stored = { ...record, kind: 'appended' as const, topic: 'node:t', partition: 0, offset: 0 };
    const lines = [record, stored].map((fact, seq) => traceLine(fact, { runId: 'run:r', seq }));
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({
      specversion: '1.0',
      id: 'run:r/1',
      source: '/runs/run:r',
      type: 'dev.millrace.trace.appended',
      time: '1970-01-01T00:00:00.005Z',
      subject: 'node:a',
      sequence: '00000000000000000001',
      correlationid: 'm1',
    });
    expect(lines.map((line) => JSON.stringify(JSON.parse(line).data))).toEqual([
      '{"kind":"produced","timeMs":5,"nodeId":"node:a","messageId":"m1","correlationId":"m1","messageType":"t"}',
      '{"kind":"appended","timeMs":5,"nodeId":"node:a","messageId":"m1","correlationId":"m1","messageType":"t","topic":"node:t","partition":0,"offset":0}',
    ]);
  });
});

describe('YAML', () => {
  it('keeps code readable as a block', () => {
    expect(writeYaml({ code: 'a\n  b\n', empty: '' })).toBe('code: |\n  a\n    b\nempty: ""\n');
  });

  it('gives back every value, whatever its texts hold', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    const odd = fc.string({
      unit: fc.constantFrom(...' \n\t#:-a"\'|>\r\u0085\u2028\u00a0\ufeff&*!%@`{}[],?~01.e\\'),
      maxLength: 14,
    });
    fc.assert(
      fc.property(fc.oneof(odd, fc.string({ unit: anyCharacter })), odd, fc.jsonValue(), (a, b, any) => {
        const value = { a, nested: { b, list: [a, b, { a }] }, any };
        // As text, because JSON does not know −0.
        expect(JSON.stringify(parseYaml(writeYaml(value)))).toBe(JSON.stringify(value));
      }),
      { numRuns: 300 },
    );
    expect(parseYaml(writeYaml({ a: ' \n', list: [' \n', 'x\n \n'] }))).toEqual({
      a: ' \n',
      list: [' \n', 'x\n \n'],
    });
  });

  it('refuses an alias bomb', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'
        .split('')
        .map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefg'[index]}`).join(',')}]`),
    ].join('\n');
    expect(() => parseYaml(bomb)).toThrow(/not readable YAML/);
  });
});

describe('the list of formats', () => {
  it('writes every format of every sample', () => {
    for (const format of EXPORT_FORMATS) expect(format.write(orders()).endsWith('\n'), format.id).toBe(true);
    expect(exportFormat('svg')?.mediaType).toBe('image/svg+xml');
    expect(exportFormat('png')).toBeUndefined();
  });

  it('names files after the flow', () => {
    const names = ['Orders & payments', '  Überfälle / ../../x ', '漢字', '***'].map((name) =>
      exportFileName({ ...orders(), name }, { extension: '.md' }),
    );
    expect(names).toEqual(['orders-payments.md', 'uberfalle-x.md', '漢字.md', 'flow.md']);
  });
});
