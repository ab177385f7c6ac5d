import { describe, expect, it } from 'vitest';
import { createRandom } from '../util/random.ts';
import { emptyDocument, type FlowDocument, type FlowNode } from './document.ts';
import { newId } from './ids.ts';
import { NODE_KINDS, type NodeKind } from './records/registry.ts';
import { applyPatch } from './records.ts';
import { canRun, validateFlow } from './validate.ts';
import type { Problem, ProblemCode } from './validation/problem.ts';

type Wires = readonly (readonly [source: string, port: string, target: string])[];

/** Nodes by name; their ids are `node:<name>`, their configs those of a fresh node unless given. */
function flow(
  kinds: Record<string, NodeKind>,
  wires: Wires,
  configs: Record<string, object> = {},
): FlowDocument {
  const document = emptyDocument('flow:test', 'Test');
  for (const [name, kind] of Object.entries(kinds)) {
    const config = { ...NODE_KINDS[kind].initial(), ...configs[name] };
    document.nodes.push({ id: `node:${name}`, kind, name, description: '', config } as FlowNode);
  }
  wires.forEach(([source, sourcePort, target], index) => {
    document.edges.push({
      id: `edge:${index}`,
      source: `node:${source}`,
      sourcePort,
      target: `node:${target}`,
    });
  });
  return document;
}

const random = createRandom(1);
const ids = (prefix: 'node' | 'edge'): string => newId(prefix, random);
const problemsOf = (document: FlowDocument, code: ProblemCode): Problem[] =>
  validateFlow(document, ids).filter((problem) => problem.code === code);
const applyFix = (document: FlowDocument, code: ProblemCode): FlowDocument => {
  const patch = problemsOf(document, code)[0]?.fixes[0]?.patch;
  if (!patch) return expect.unreachable(`no fix for ${code}`);
  return applyPatch(document, patch);
};

const good = (): FlowDocument =>
  flow({ gen: 'generator', orders: 'topic', log: 'log' }, [
    ['gen', 'out', 'orders'],
    ['orders', 'messages', 'log'],
  ]);

describe('a flow', () => {
  it('that is well wired has nothing but the note on dead letters', () => {
    const problems = validateFlow(good(), ids);
    expect(problems.map((problem) => [problem.code, problem.severity])).toEqual([
      ['dead-letters-automatic', 'info'],
    ]);
    expect(problems[0]).toMatchObject({
      path: 'nodes[2] "log"',
      nodeId: 'node:log',
      message: expect.stringContaining('log.dead-letters'),
    });
    expect(canRun(problems)).toBe(true);
    expect(validateFlow(applyFix(good(), 'dead-letters-automatic'))).toEqual([]);
  });

  it('that is empty says how to begin, and cannot run', () => {
    const problems = validateFlow(emptyDocument('flow:e', 'E'));
    expect(problems.map((problem) => problem.code)).toEqual(['empty-flow']);
    expect(canRun(problems)).toBe(false);
  });

  it('with a producer wired to a consumer gets a topic in between', () => {
    const document = flow({ gen: 'generator', log: 'log' }, [['gen', 'out', 'log']]);
    document.layout.nodes = { 'node:gen': { x: 0, y: 0 }, 'node:log': { x: 520, y: 100 } };
    expect(problemsOf(document, 'needs-topic')).toMatchObject([
      { severity: 'error', edgeId: 'edge:0', path: 'edges[0] "gen → log"' },
    ]);
    const fixed = applyFix(document, 'needs-topic');
    expect(canRun(validateFlow(fixed))).toBe(true);
    const topic = fixed.nodes.find((node) => node.kind === 'topic');
    expect(fixed.layout.nodes[topic?.id ?? '']).toEqual({ x: 260, y: 50 });
    expect(fixed.edges).toHaveLength(2);
  });

  it('reports connections that lead nowhere, and removes them', () => {
    for (const [code, document] of [
      ['dangling-edge', { ...good(), nodes: good().nodes.slice(0, 2) }],
      ['unknown-port', flow({ gen: 'generator', orders: 'topic' }, [['gen', 'outt', 'orders']])],
      ['topic-to-topic', flow({ a: 'topic', b: 'topic' }, [['a', 'messages', 'b']])],
      ['wiring-not-allowed', flow({ a: 'topic', gen: 'generator' }, [['a', 'messages', 'gen']])],
      [
        'duplicate-edge',
        flow({ gen: 'generator', orders: 'topic' }, [
          ['gen', 'out', 'orders'],
          ['gen', 'out', 'orders'],
        ]),
      ],
    ] as const) {
      expect(problemsOf(document, code), code).toMatchObject([{ severity: 'error' }]);
      expect(problemsOf(applyFix(document, code), code), code).toEqual([]);
    }
  });

  it('reports what is connected to nothing', () => {
    const document = flow(
      { gen: 'generator', alone: 'topic', log: 'log', route: 'route', handler: 'handler' },
      [],
    );
    const found = validateFlow(document).map(
      (problem) => `${problem.severity} ${problem.code} ${problem.nodeId}`,
    );
    expect(found).toContain('error producer-without-topic node:gen');
    expect(found).toContain('warning topic-without-reader node:alone');
    expect(found).toContain('warning topic-without-writer node:alone');
    expect(found).toContain('warning consumer-without-subscription node:log');
    expect(found.filter((line) => line === 'warning output-unconnected node:route')).toHaveLength(2);
    expect(found).toContain('info output-unconnected node:route');
    expect(found.filter((line) => line.includes('output-unconnected node:handler'))).toEqual([]);
    expect(problemsOf(applyFix(document, 'producer-without-topic'), 'producer-without-topic')).toEqual([]);
  });

  it('lets dead letters rest in a topic that nobody reads', () => {
    const document = applyFix(good(), 'dead-letters-automatic');
    expect(problemsOf(document, 'topic-without-reader')).toEqual([]);
  });

  it('with two topics of one name cannot run; other twins are warned of; both can be renamed', () => {
    const topics = flow({ a: 'topic', b: 'topic', log: 'log' }, []);
    for (const node of topics.nodes) node.name = 'same';
    expect(problemsOf(topics, 'duplicate-name').map((problem) => [problem.nodeId, problem.severity])).toEqual(
      [
        ['node:b', 'error'],
        ['node:log', 'warning'],
      ],
    );
    expect(
      problemsOf(applyFix(topics, 'duplicate-name'), 'duplicate-name').map((problem) => problem.nodeId),
    ).toEqual(['node:log']);
  });

  it('that may loop for ever names the way round', () => {
    const document = flow({ gen: 'generator', a: 'topic', one: 'handler', b: 'topic', two: 'handler' }, [
      ['gen', 'out', 'a'],
      ['a', 'messages', 'one'],
      ['one', 'out', 'b'],
      ['b', 'messages', 'two'],
      ['two', 'dead-letter', 'a'],
    ]);
    expect(problemsOf(document, 'loop')).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('a → one → b → two → a') },
    ]);
    document.edges.pop();
    expect(problemsOf(document, 'loop')).toEqual([]);
  });

  it.each<[ProblemCode, NodeKind, object, string]>([
    ['cron-invalid', 'schedule', { cron: 'every day' }, 'cron'],
    ['payload-invalid', 'generator', { payload: '{"a": }' }, 'payload'],
    ['time-field-missing', 'replay', { speed: { mode: 'by-time', factor: 1 }, timeField: '' }, 'timeField'],
    ['unknown-schema', 'topic', { schema: 'schema:gone' }, 'schema'],
    [
      'duplicate-port',
      'route',
      {
        routes: [
          { port: 'a', when: '1' },
          { port: 'a', when: '2' },
        ],
      },
      'routes',
    ],
  ])('reports %s with the place of the setting', (code, kind, config, field) => {
    const document = flow({ it: kind }, [], { it: config });
    expect(problemsOf(document, code)).toMatchObject([
      { severity: 'error', path: `nodes[0] "it" › config › ${field}` },
    ]);
    expect(problemsOf(flow({ it: kind }, []), code)).toEqual([]);
  });

  it('names line and column of a payload that is not JSON', () => {
    const document = flow({ it: 'generator' }, [], { it: { payload: '{\n  "a": 1,\n}' } });
    expect(problemsOf(document, 'payload-invalid')[0]?.message).toContain('line 3, column 1');
  });

  it('accepts the cron expressions people write', () => {
    for (const cron of ['*/5 * * * * *', '0 9 * * MON-FRI', '@daily', '0 0 1,15 * ?', '0 0 L * *']) {
      expect(problemsOf(flow({ it: 'schedule' }, [], { it: { cron } }), 'cron-invalid'), cron).toEqual([]);
    }
  });

  it('reports nodes that get in each other’s way', () => {
    const paths = flow({ a: 'http', b: 'http' }, []);
    expect(problemsOf(paths, 'duplicate-http-path')).toMatchObject([{ severity: 'error', nodeId: 'node:b' }]);
    expect(problemsOf(applyFix(paths, 'duplicate-http-path'), 'duplicate-http-path')).toEqual([]);
    expect(problemsOf(flow({ a: 'file', b: 'file' }, []), 'duplicate-file')).toMatchObject([
      { severity: 'warning', nodeId: 'node:b' },
    ]);
  });

  it('that did not come through the door of checks is still judged', () => {
    const document = good();
    document.nodes.push({ ...(document.nodes[0] as FlowNode), name: 'twin' });
    document.nodes.push({
      id: 'node:x',
      kind: 'teleporter',
      name: 'X',
      description: '',
      config: {},
    } as unknown as FlowNode);
    const codes = validateFlow(document).map((problem) => problem.code);
    expect(codes).toContain('duplicate-id');
    expect(codes).toContain('unknown-kind');
  });

  it('[KD9] is told which template of a call does not read', () => {
    const calls = (config: object) =>
      problemsOf(flow({ call: 'call' }, [], { call: config }), 'template-invalid').map(
        ({ message, path }) => [message.slice(0, 40), path],
      );
    expect(calls({ url: 'http://h/{{date}}' })).toEqual([
      ['call: URL: {{date}} is not known. Known ', 'nodes[0] "call" › config › url'],
    ]);
    expect(calls({ headers: [{ name: 'x-a', value: '{{data' }] })).toEqual([
      ['call: Header x-a: "{{data" opens a {{…}}', 'nodes[0] "call" › config › headers'],
    ]);
    expect(calls({ body: { from: 'json', template: '{' } })).toMatchObject([
      [expect.stringMatching(/^call: Body is not JSON/), 'nodes[0] "call" › config › body'],
    ]);
    expect(calls({ body: { from: 'text', template: '{{data.a}}' } })).toEqual([]);
  });

  it('[KD16] is told which column would be written twice', () => {
    const columns = (names: string[]) => ({
      as: 'columns',
      columns: names.map((name) => ({ name, path: '', type: 'text' })),
    });
    const twice = (config: object) =>
      problemsOf(flow({ db: 'database' }, [], { db: config }), 'duplicate-column').map(
        ({ message }) => message,
      );
    expect(twice({ columns: columns(['a', 'b']), newerWins: 'time' })).toEqual([]);
    expect(twice({ columns: columns(['a', 'b', 'a']) })).toMatchObject([expect.stringContaining('column a')]);
    expect(twice({ keyColumn: 'data' })).toMatchObject([expect.stringContaining('column data')]);
    expect(twice({ columns: columns(['message_order']) })).toEqual([]);
    expect(twice({ columns: columns(['message_order']), newerWins: 'offset' })).toHaveLength(1);
  });

  it('[KD5] is told that full batches would be too large for it, and makes them smaller', () => {
    const document = flow({ b: 'batch' }, []);
    document.settings.messageBytesMax = 100_000;
    expect(problemsOf(document, 'batch-too-large')).toHaveLength(1);
    const fixed = applyFix(document, 'batch-too-large');
    expect(fixed.nodes[0]?.config).toMatchObject({ bytesMax: 97_952 });
    expect(problemsOf(fixed, 'batch-too-large')).toEqual([]);
  });

  it('is offered no fix that needs ids when nobody can make them', () => {
    for (const problem of validateFlow(flow({ gen: 'generator', log: 'log' }, [['gen', 'out', 'log']]))) {
      for (const fix of problem.fixes) expect(fix.patch.put).toEqual([]);
    }
  });
});
