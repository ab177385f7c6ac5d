import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { topic } from '@millrace/shared/flow/records/topic.ts';
import { writeDocument } from '@millrace/shared/flow/serialize.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './testing/testCli.ts';

const SAMPLE = fileURLToPath(new URL('../../../samples/orders.flow.json', import.meta.url));

describe('the command line', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  it('shows an example for each command', async () => {
    for (const command of ['serve', 'run', 'check', 'export', 'import', 'repair']) {
      const { code, stdout } = await runCli([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples?:\n {2}millrace /);
    }
  });

  it('answers bad usage with 2', async () => {
    expect(await runCli(['run'])).toMatchObject({ code: 2 });
    expect(await runCli(['dance'])).toMatchObject({ code: 2 });
    expect(await runCli(['run', SAMPLE, '--until', 'tomorrow'])).toMatchObject({ code: 2 });
  });

  it('check: 0 for a flow that can run', async () => {
    const { code, stdout } = await runCli(['check', SAMPLE, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  });

  it('check: 1 for one with errors, with the place in the file', async () => {
    const document = emptyDocument('flow:x', 'X');
    const consumer = {
      id: 'node:b',
      kind: 'topic',
      name: 'Same',
      description: '',
      config: topic.initial(),
    } as const;
    const flow = { ...document, nodes: [{ ...consumer, id: 'node:a' }, consumer] };
    const path = file('bad.flow.json', writeDocument(flow, 'json'));
    const { code, stdout } = await runCli(['check', path]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/bad\.flow\.json:\d+:\d+: error: .*duplicate-name/);
  });

  it('check and run: 2 for a file that is no flow, with line and column', async () => {
    const path = file('broken.flow.json', '{\n  "format": "millrace.flow",\n  "nodes": [,]\n}\n');
    for (const command of ['check', 'run']) {
      const { code, stderr, stdout } = await runCli([command, path]);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/broken\.flow\.json: .*line 3, column/);
    }
    expect(await runCli(['check', join(folder, 'missing.flow.json')])).toMatchObject({ code: 2 });
  });
});
