import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WorkbenchError } from '../errors/workbenchError.ts';
import { emptyDocument, type FlowDocument } from './document.ts';
import { lineAndColumn, parseJsonText } from './jsonText.ts';
import { CURRENT_VERSIONS } from './migrations/sequences.ts';
import { NODE_KIND_NAMES } from './records/registry.ts';
import { parseDocument, readDocument, writeDocument } from './serialize.ts';

/** Any character but a lone surrogate; the library's own `binary` unit takes seconds to build. */
const anyCharacter = fc
  .integer({ min: 1, max: 0x10ffff })
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

const fixture = (name: string): string =>
  readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
const v2 = (): Record<string, unknown> & { nodes: Record<string, unknown>[] } =>
  JSON.parse(fixture('v2.flow.json'));

function refusal(run: () => unknown): WorkbenchError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(WorkbenchError);
    return error as WorkbenchError;
  }
  return expect.unreachable('nothing was refused');
}
const issuesOf = (raw: unknown): unknown => {
  const error = refusal(() => readDocument(raw));
  expect(error.code).toBe('FLOW_INVALID');
  return error.details?.issues;
};

/** Many cases take longer on a busy machine. */
const PROPERTY_TIMEOUT_MS = 60_000;

describe('saved flows', () => {
  it.each(['v1.flow.json', 'v1.flow.yaml', 'v2.flow.json', 'v2.flow.yaml'])('load for ever: %s', (name) => {
    const { document } = parseDocument(fixture(name));
    expect(document.versions).toEqual(CURRENT_VERSIONS);
    expect(document).toEqual(parseDocument(fixture(name.replace('yaml', 'json'))).document);
  });

  it('of the current version have a node of every kind among them', () => {
    const kinds = parseDocument(fixture('v2.flow.json')).document.nodes.map((node) => node.kind);
    expect(new Set(kinds)).toEqual(new Set(NODE_KIND_NAMES));
  });

  it('of an earlier version do what they did then', () => {
    const { document } = parseDocument(fixture('v1.flow.json'));
    for (const { kind, config } of document.nodes) {
      if ('retry' in config) {
        expect(config).toMatchObject({ guarantee: 'exactly-once', order: 'partition', instances: 1 });
        expect(config.idempotency).toEqual({ window: 'off' });
      } else if (kind === 'topic') expect(config).toMatchObject({ schemaPolicy: 'reject', retentionMs: 0 });
      else expect(config).toMatchObject({ whenFull: kind === 'http' ? 'fail' : 'block' });
    }
  });

  it.each([
    ['json', 'v2.flow.json'],
    ['yaml', 'v2.flow.yaml'],
  ] as const)('come back byte for byte as %s', (format, name) => {
    const { document, migrated } = parseDocument(fixture(name), { format });
    expect(migrated).toBe(false);
    expect(writeDocument(document, format)).toBe(fixture(name));
  });

  it('hold sorted records and keys, whatever order the editor left them in', () => {
    const raw = v2();
    const shuffled = Object.fromEntries(
      Object.entries({
        ...raw,
        nodes: raw.nodes.toReversed().map((node) => Object.fromEntries(Object.entries(node).toReversed())),
      }).toReversed(),
    );
    expect(writeDocument(shuffled as unknown as FlowDocument, 'json')).toBe(fixture('v2.flow.json'));
  });

  it('name only the versions of what they use', () => {
    const empty = emptyDocument('flow:empty', 'Empty');
    expect(empty.versions).toEqual(CURRENT_VERSIONS);
    const text = writeDocument(empty, 'json');
    expect(JSON.parse(text).versions).toEqual({ document: 1, edge: 1, schema: 1, settings: 2 });
    expect(text.endsWith('}\n')).toBe(true);
    expect(parseDocument(text).document).toEqual(empty);
  });

  it.each(['json', 'yaml'] as const)(
    'keep any text exactly as %s',
    { timeout: PROPERTY_TIMEOUT_MS },
    (format) => {
      const texts = fc.oneof(
        fc.string(),
        fc.string({ unit: anyCharacter }),
        fc.constantFrom(
          'a\n',
          '\n',
          ' lead',
          'tab\t',
          'x: y',
          '#',
          '- a',
          '\r\n',
          'true',
          '~',
          '0x1',
          '\u0085\u2028',
          '| \n  a\n\n',
        ),
      );
      fc.assert(
        fc.property(texts, texts, (description, code) => {
          const document = emptyDocument('flow:text', 'Text');
          document.description = description;
          document.nodes.push({
            id: 'node:a',
            kind: 'http',
            name: 'A',
            description: code,
            config: { path: 'a', eventType: 'a', key: description.slice(0, 200), whenFull: 'fail' },
          });
          const text = writeDocument(document, format);
          const read = parseDocument(text, { format });
          expect(read.document).toEqual(document);
          expect(writeDocument(read.document, format)).toBe(text);
        }),
        { numRuns: 40 },
      );
    },
  );

  it('are read by their content when nobody says the format, a byte order mark aside', () => {
    for (const name of ['v1.flow.json', 'v1.flow.yaml'])
      expect(parseDocument(`\uFEFF${fixture(name)}`, { format: 'auto' }).document.id).toBe('flow:fixture-v1');
  });
});

describe('damaged flows', () => {
  it('name line and column of the fault in JSON', () => {
    const text = fixture('v1.flow.json').replace('"name": "Every', '"name" "Every');
    const error = refusal(() => parseDocument(text));
    expect(error.code).toBe('FLOW_UNREADABLE');
    const { line, column } = lineAndColumn(text, text.indexOf('"Every'));
    expect(error.details).toMatchObject({ format: 'json', line, column });
    expect(error.message).toBe(
      `This is not readable JSON: line ${line}, column ${column}: a colon is missing before """.`,
    );
  });

  it('name line and column of the fault in YAML', () => {
    const error = refusal(() =>
      parseDocument('format: millrace.flow\nname: "open\nid: x\n', { format: 'yaml' }),
    );
    expect(error).toMatchObject({ code: 'FLOW_UNREADABLE' });
    expect(error.details).toMatchObject({
      format: 'yaml',
      line: expect.any(Number),
      column: expect.any(Number),
    });
  });

  it.each([
    ['{"a": 1,}', 9, 'a comma before } is one too many'],
    ['[1 2]', 4, 'a comma or ] is missing before "2"'],
    ['{"a": tru}', 7, '"tru" is not a value'],
    ['{"a": 01}', 7, '"01" is not a value'],
    ['{"a', 2, 'a text is not closed'],
    ['{a: 1}', 2, 'a name in double quotes is missing before "a"'],
    ['{"a": "\\x"}', 8, 'a text holds an unknown escape'],
    ['[', 2, 'it ends early, ] is missing'],
    ['[1] x', 5, 'nothing may follow the end, but there is "x"'],
    ['', 1, 'a value is missing'],
    ['[1, ]', 5, 'a value is missing before ]'],
  ])('say what is wrong with %s', (text, column, reason) => {
    expect(refusal(() => parseJsonText(text)).details).toEqual({ format: 'json', line: 1, column, reason });
  });

  it('never find a fault where there is none, nor miss one', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '"', '{', ']', ',', 'x', '\\'),
        (text, at, insert) => {
          const index = at % (text.length + 1);
          const changed = text.slice(0, index) + insert + text.slice(index + (insert === '' ? 1 : 0));
          let valid = true;
          try {
            JSON.parse(changed);
          } catch {
            valid = false;
          }
          if (valid) expect(parseJsonText(changed)).toEqual(JSON.parse(changed));
          else expect(refusal(() => parseJsonText(changed)).details?.line).toBeGreaterThan(0);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('name every wrong value with its place', () => {
    const raw = v2();
    const generator = raw.nodes.findIndex((node) => node.kind === 'generator');
    const route = raw.nodes.findIndex((node) => node.kind === 'route');
    (raw.nodes[generator]?.config as Record<string, unknown>).ratePerSecond = 'fast';
    (raw.nodes[route] as { config: { routes: unknown[] } }).config.routes[1] = { port: 'X', when: 'true' };
    delete raw.settings;
    expect(issuesOf(raw)).toEqual([
      { path: 'settings', message: 'is missing; expected object' },
      {
        path: `nodes[${generator}] "Generator" › config › ratePerSecond`,
        message: 'Invalid input: expected number, received string',
      },
      {
        path: `nodes[${route}] "Route" › config › routes[1] › port`,
        message: 'Lower-case letters, digits and dashes',
      },
    ]);
  });

  it('say that a node kind is unknown, and a field', () => {
    const raw = v2();
    raw.nodes[0] = { ...raw.nodes[0], kind: 'teleporter' };
    raw.nodes[1] = { ...raw.nodes[1], colour: 'red' };
    const issues = issuesOf(raw) as { path: string; message: string }[];
    expect(issues[0]?.path).toMatch(/^nodes\[0\] ".*" › kind$/);
    expect(issues[0]?.message).toMatch(/does not know the node kind "teleporter"\. It knows generator, /);
    expect(issues[1]?.message).toMatch(/colour/);
  });

  it('say which ids are used twice', () => {
    const raw = v2();
    raw.nodes.push({ ...raw.nodes[0], name: 'Twin' });
    expect(issuesOf(raw)).toEqual([
      {
        path: `nodes[${raw.nodes.length - 1}] "Twin" › id`,
        message: `the id ${raw.nodes[0]?.id} is already used by nodes[0] "${raw.nodes[0]?.name}"`,
      },
    ]);
  });

  it('are told apart from files that are no flows', () => {
    for (const raw of [null, [], 7, {}, { format: 'other' }])
      expect(issuesOf(raw)).toMatchObject([{ path: 'format' }]);
  });

  it('of a newer program are refused politely, naming what is newer', () => {
    const raw = v2();
    const error = refusal(() =>
      readDocument({ ...raw, versions: { ...(raw.versions as object), 'node.handler': 7 } }),
    );
    expect(error.code).toBe('FLOW_TOO_NEW');
    expect(error.message).toBe(
      'This flow was saved by a newer Millrace (node.handler at version 7, this program knows 2). Update Millrace to open it.',
    );
    raw.nodes[0] = { ...raw.nodes[0], kind: 'teleporter' };
    expect(refusal(() => readDocument({ ...raw, versions: { 'node.teleporter': 1 } })).code).toBe(
      'FLOW_TOO_NEW',
    );
  });
});
