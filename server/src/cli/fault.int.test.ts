import { emptyDocument, type FlowDocument } from '@millrace/shared/flow/document.ts';
import { NODE_KINDS } from '@millrace/shared/flow/records/registry.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestPage, type TestServer } from '../gateway/testing/testServer.ts';
import { until } from '../testing/until.ts';
import { runCli } from './testing/testCli.ts';

function faultFlow(): FlowDocument {
  const description = '';
  const charge = { ...NODE_KINDS.handler.initial(), instances: 2, code: 'export function handle() {}' };
  const shop = { ...NODE_KINDS.generator.initial(), ratePerSecond: 200, key: '{{index}}' };
  return {
    ...emptyDocument('flow:breakable', 'Breakable'),
    nodes: [
      { id: 'node:shop', kind: 'generator', name: 'Shop', description, config: shop },
      { id: 'node:orders', kind: 'topic', name: 'orders', description, config: NODE_KINDS.topic.initial() },
      { id: 'node:charge', kind: 'handler', name: 'Charge', description, config: charge },
    ],
    edges: [
      { id: 'edge:1', source: 'node:shop', sourcePort: 'out', target: 'node:orders' },
      { id: 'edge:2', source: 'node:orders', sourcePort: 'messages', target: 'node:charge' },
    ],
  };
}

describe('millrace fault and millrace group', () => {
  let server: TestServer;
  let page: TestPage;
  let runId = '';
  const cli = (...args: string[]) => runCli([...args, '--server', server.address]);
  const whenMetrics = (
    what: string,
    holds: (metrics: MetricsSnapshot) => boolean,
  ): Promise<MetricsSnapshot> =>
    until(what, async () => {
      const { metrics } = await page.ask('run.watch', { runId, afterSeq: null, traces: false, logs: false });
      return metrics !== null && holds(metrics) ? metrics : undefined;
    });
  const isInstance =
    (state: 'up' | 'down') =>
    ({ groups }: MetricsSnapshot): boolean =>
      groups['node:charge']?.instances[0]?.state === state;

  beforeAll(async () => {
    server = await startTestServer();
    page = await server.page();
    await page.ask('flow.import', { document: faultFlow(), keepId: true });
    ({ id: runId } = await page.ask('run.start', { flowId: 'flow:breakable', paused: false }));
  });
  afterAll(() => server.stop());

  it('[SM2] inject a fault by name, say how often it fired, and heal it', async () => {
    const injected = await cli(
      'fault',
      'inject',
      'Breakable',
      'duplicate',
      '--edge',
      'Shop->orders',
      '--rate',
      '0.5',
      '--json',
    );
    expect(injected.code, injected.stderr).toBe(0);
    const { faultId } = JSON.parse(injected.stdout) as { faultId: string };
    await whenMetrics('the fault to fire', ({ faults }) => (faults[0]?.fired ?? 0) > 0);
    expect((await cli('fault', 'list', 'Breakable')).stdout).toMatch(
      /Duplicate on Shop->orders, until it is healed, has fired \d+ times/,
    );
    expect((await cli('fault', 'heal', 'Breakable', faultId)).stdout).toBe('1 fault healed.\n');
    const { nodes } = await whenMetrics('more in the topic than was made', (found) => {
      return (found.nodes['node:orders']?.in ?? 0) > (found.nodes['node:shop']?.out ?? 0);
    });
    expect(nodes['node:shop']?.out).toBeGreaterThan(0);
  });

  it('[CG2] crash an instance: the other one takes its partitions over', async () => {
    expect(
      (await cli('fault', 'inject', 'Breakable', 'crash', '--node', 'Charge', '--instance', '0')).code,
    ).toBe(0);
    const { groups } = await whenMetrics('the instance to be down', isInstance('down'));
    expect(new Set(groups['node:charge']?.owners['edge:2'])).toEqual(new Set([1]));
    expect((await cli('fault', 'heal', 'Breakable')).stdout).toBe('1 fault healed.\n');
    await whenMetrics('it to be back', isInstance('up'));
  });

  it('[CG3] move a group only while it is paused', async () => {
    const early = await cli('group', 'seek', 'Breakable', 'Charge', 'earliest');
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('Pause Charge first')]);
    expect((await cli('group', 'pause', 'Breakable', 'Charge')).stdout).toBe('Charge is paused.\n');
    expect((await cli('group', 'seek', 'Breakable', 'Charge', 'earliest')).stdout).toMatch(
      /partition 0: \d+ → 0/,
    );
    expect((await cli('group', 'resume', 'Breakable', 'Charge')).stdout).toBe('Charge goes on.\n');
  });

  it('[SM2] refuse what makes no sense, in a sentence', async () => {
    const misplaced = await cli('fault', 'inject', 'Breakable', 'crash', '--node', 'orders');
    expect([misplaced.code, misplaced.stderr]).toEqual([
      1,
      expect.stringContaining('is a fault of a consumer'),
    ]);
    const unknown = await cli('fault', 'inject', 'Breakable', 'explode', '--node', 'Charge');
    expect(unknown.stderr).toContain('There is no fault explode; there are: crash');
  });
});
