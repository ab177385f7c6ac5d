import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../testing/until.ts';
import { countingFlow } from './testing/testFlows.ts';
import { startTestServer, type TestServer } from './testing/testServer.ts';

const shell = (line: string) => spawnSync('sh', ['-c', line]);

/** A file system of its own, small enough to fill; null where this user may not mount one. */
function mountSmallDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'));
  const { status } = shell(`mount -t tmpfs -o size=96m tmpfs '${folder}'`);
  if (status === 0) return folder;
  rmSync(folder, { recursive: true, force: true });
  return null;
}

const disk = mountSmallDisk();

describe.skipIf(disk === null)('a full disk (needs the right to mount one)', () => {
  const folder = disk ?? '';
  const filler = join(folder, 'filler');
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ dataFolder: join(folder, 'data') });
  });
  afterAll(async () => {
    await server.stop();
    shell(`umount -l '${folder}'`);
    rmSync(folder, { recursive: true, force: true });
  });
  /** Takes what is left, down to the last block. */
  const fill = (): void => {
    let chunk = 4 * 1024 * 1024;
    for (let n = 0; chunk >= 512; n++) {
      try {
        writeFileSync(`${filler}-${n}`, Buffer.alloc(chunk));
      } catch {
        chunk = Math.floor(chunk / 2);
      }
    }
  };
  const free = (): void => {
    shell(`rm -f '${filler}'-*`);
  };

  it('refuses a change with STORAGE_FULL, loses nothing, and takes it when there is room again', async () => {
    const page = await server.page();
    const { document } = await page.ask('flow.create', { name: 'Before' });
    const flowId = document.id;
    const rename = (name: string, description: string) => ({
      flowId,
      clientId: 'c',
      patchId: name,
      patch: {
        put: [{ type: 'flow' as const, id: flowId, name, description, settings: document.settings }],
        remove: [],
      },
    });
    fill();
    // Small changes may still fit into what the database holds in reserve.
    const reply = await until('a change that does not fit', async () => {
      const answer = await page.reply('flow.patch', rename('During', 'x'.repeat(15_000)));
      return answer.ok ? undefined : answer;
    });
    expect(reply).toMatchObject({ ok: false, error: { code: 'STORAGE_FULL', retryable: true } });
    const upload = await fetch(`${server.address}/api/files/big.jsonl`, {
      method: 'PUT',
      body: 'x'.repeat(300_000),
    });
    expect(upload.status).toBe(507);
    expect(await upload.json()).toMatchObject({ code: 'STORAGE_FULL' });
    expect((await page.ask('flow.list', {})).flows).toHaveLength(1);
    expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
    free();
    await page.ask('flow.patch', rename('After', 'short'));
    expect((await page.ask('flow.open', { flowId })).document).toMatchObject({
      name: 'After',
      description: 'short',
    });
    expect((await page.ask('file.list', {})).files.filter((file) => !file.builtIn)).toEqual([]);
  });

  it('[TP3] makes a run wait and go on when there is room again; nothing acknowledged is missing', async () => {
    const page = await server.page();
    const document = countingFlow({ count: 8000, ratePerSecond: 2000 });
    await page.ask('flow.import', { document, keepId: true });
    const { id: runId } = await page.ask('run.start', { flowId: document.id, paused: false });
    await page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false });
    await page.whenHeard('run.metrics', (metrics) => (metrics.nodes['node:sink']?.in ?? 0) > 200);
    fill();
    const stalled = await page.whenHeard('run.metrics', (metrics) => metrics.stalled !== null);
    expect(stalled.status).toBe('running');
    free();
    const ended = await page.whenHeard(
      'run.changed',
      (run) => run.id === runId && run.status === 'completed',
    );
    expect(ended.counters['node:source']?.out).toBe(8000);
    expect(ended.counters['node:double']).toMatchObject({ in: 8000, out: 8000 });
    const sink = await (await fetch(`${server.address}/api/runs/${runId}/files/doubled.jsonl`)).text();
    const ids = new Set(
      sink
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id),
    );
    expect(ids.size).toBe(8000);
  });
});
