import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDocument } from '@millrace/shared/flow/serialize.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countingFlow } from '../gateway/testing/testFlows.ts';
import { until } from '../testing/until.ts';
import type { RunReport } from './runReport.ts';
import { runCli, startCli } from './testing/testCli.ts';

const samples = fileURLToPath(new URL('../../../samples', import.meta.url));

describe('millrace run', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-run-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const flowFile = (name: string, options: Parameters<typeof countingFlow>[0]): string => {
    writeFileSync(join(folder, name), writeDocument(countingFlow(options), 'yaml'));
    return join(folder, name);
  };

  it('runs a flow until nothing is left and prints one JSON object', async () => {
    const path = flowFile('counting.flow.yaml', { count: 100, ratePerSecond: 10_000 });
    const out = join(folder, 'out');
    const { code, stdout, stderr } = await runCli(['run', path, '--json', '--out', out]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as RunReport;
    expect(report).toMatchObject({
      flow: { name: 'Counting' },
      status: 'completed',
      error: null,
      restarts: 0,
    });
    expect(report.nodes['node:source']).toMatchObject({ name: 'Source', kind: 'generator', out: 100 });
    expect(report.nodes['node:double']).toMatchObject({ in: 100, out: 100, failed: 0, deadLettered: 0 });
    const ends = report.topics['node:doubled']?.ends ?? [];
    expect(ends).toHaveLength(3);
    expect(ends.reduce((sum, end) => sum + end, 0)).toBe(100);
    expect(report.traces).toMatchObject({ share: 1, begun: 100, kept: 100, sampledOut: 0 });
    // Everything that was given out is in the store when the last figures are taken.
    expect(report.traceRecords).toMatchObject({ expired: 0, lost: 0, sampledOut: 0 });
    expect(report.files).toEqual([
      expect.objectContaining({ name: 'doubled.jsonl', path: join(out, 'doubled.jsonl') }),
    ]);
    expect(readFileSync(join(out, 'doubled.jsonl'), 'utf8').trim().split('\n')).toHaveLength(100);
  });

  it('counts the strong earthquakes as the data file does', async () => {
    const lines = readFileSync(join(samples, 'data', 'usgs-earthquakes-week.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const strong = lines.filter((line) => {
      const { mag } = JSON.parse(line) as { mag: number | null };
      return mag !== null && mag >= 4.5;
    });
    const { code, stdout } = await runCli([
      'run',
      join(samples, 'earthquakes.flow.json'),
      '--full-speed',
      '--json',
    ]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as RunReport;
    const totals = new Map(
      Object.values(report.topics).map(({ name, ends }) => [name, ends.reduce((a, b) => a + b, 0)]),
    );
    expect(totals.get('quakes')).toBe(lines.length);
    expect(totals.get('strong-quakes')).toBe(strong.length);
  });

  it('stops after a given time', async () => {
    const path = flowFile('endless.flow.yaml', { count: null, ratePerSecond: 100 });
    const { code, stdout } = await runCli(['run', path, '--until', '500ms', '--json']);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as RunReport;
    expect(report.status).toBe('stopped');
    expect(report.nodes['node:source']?.out).toBeGreaterThan(0);
  });

  it('[RN3] drains when interrupted, and reports as always', async () => {
    const path = flowFile('interrupted.flow.yaml', { count: null, ratePerSecond: 200 });
    const keep = join(folder, 'kept');
    const cli = startCli(['run', path, '--json', '--keep', keep]);
    await until('the first messages', () =>
      existsSync(join(keep, 'run-cli', 'files', 'doubled.jsonl')) ? true : undefined,
    );
    cli.process.kill('SIGINT');
    const { code, stdout, stderr } = await cli.over;
    expect(code).toBe(0);
    expect(stderr).toContain('stopping');
    expect((JSON.parse(stdout) as RunReport).status).toBe('stopped');
  });

  it('answers 1 when the run fails, with the reason', async () => {
    const throws = "export function handle() {\n  throw new Error('no way');\n}\n";
    const document = countingFlow({ count: 3, ratePerSecond: 1000, code: throws });
    const nodes = document.nodes.map((node) =>
      node.kind === 'handler'
        ? {
            ...node,
            config: {
              ...node.config,
              afterLastAttempt: 'stop' as const,
              retry: { ...node.config.retry, attemptsMax: 1 },
            },
          }
        : node,
    );
    const path = join(folder, 'failing.flow.json');
    writeFileSync(path, writeDocument({ ...document, nodes }, 'json'));
    const { code, stdout } = await runCli(['run', path, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('no way') },
    });
  });

  it('answers 1 for code that does not compile, with node and line', async () => {
    const path = flowFile('uncompiled.flow.yaml', {
      count: 1,
      ratePerSecond: 1,
      code: 'export function handle(event {\n}',
    });
    const { code, stderr } = await runCli(['run', path]);
    expect(code).toBe(1);
    expect(stderr).toContain('Double');
  });

  it('answers 2 for a flow that cannot run', async () => {
    const document = countingFlow({ count: 1, ratePerSecond: 1 });
    const path = join(folder, 'unwired.flow.json');
    writeFileSync(path, writeDocument({ ...document, edges: [], nodes: [] }, 'json'));
    const { code, stderr } = await runCli(['run', path]);
    expect(code).toBe(2);
    expect(stderr).toContain('empty');
  });
});
