import { TRACE_FRAME_CREDIT, TRACE_FRAME_EVENT } from '@millrace/shared/protocol/catalog.ts';
import { decodeFrame } from '@millrace/shared/trace/frame.ts';
import { type MetricsSnapshot, type NodeCounters, zeroCounters } from '@millrace/shared/trace/metrics.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FlowBuilder, flow } from '../simulator/testing/flowBuilder.ts';
import { until } from '../testing/until.ts';
import { startTestServer, type TestPage, type TestServer } from './testing/testServer.ts';

/** As many errors as there are before the run is paused; nothing here depends on how long they take. */
const ERRORS = 20_000;
const ERRORS_MORE = 5_000;
const FLOOD_MS_MAX = 120_000;

const ONCE = {
  attemptsMax: 1,
  backoff: 'fixed',
  delayMs: 0,
  delayMsMax: 0,
  jitter: 0,
  order: 'in-order',
  exceptFor: '',
} as const;

/** A message that is made leaves two records, one that fails five more, the dead letter's own among them. */
const RECORDS_OF_MESSAGE = 2;
const RECORDS_OF_ERROR = 5;

const WORKS: Record<string, (builder: FlowBuilder) => FlowBuilder> = {
  handler: (builder) =>
    builder.node('handler', 'work', {
      code: `export function handle(event, ctx) {\n  ctx.log.error('lost ' + event.data.n);\n  throw new Error('no such order');\n}\n`,
      retry: ONCE,
    }),
  transform: (builder) =>
    builder.node('transform', 'work', { expression: '({ id: event.data.customer.id })', retry: ONCE }),
  filter: (builder) =>
    builder.node('filter', 'work', { expression: 'event.data.customer.id > 5', retry: ONCE }),
};

describe('a flood of errors', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.stop());

  const start = async (page: TestPage, kind: string): Promise<string> => {
    const draw = WORKS[kind] as (builder: FlowBuilder) => FlowBuilder;
    const document = draw(
      flow(`flood-${kind}`)
        .node('generator', 'source', {
          count: null,
          ratePerSecond: 1_000_000,
          payload: '{"n":"{{index}}"}',
          key: '{{index}}',
        })
        .node('topic', 'in')
        .node('topic', 'out'),
    )
      .edges('source > in', 'in > work', 'work > out')
      .document();
    await page.ask('flow.import', { document, keepId: true });
    return (await page.ask('run.start', { flowId: document.id, paused: true })).id;
  };

  /** What a page hears of a run. One that sleeps acknowledges no frame. */
  const watch = async (page: TestPage, runId: string, isAwake: boolean) => {
    const heard = {
      frames: 0,
      records: 0,
      skipped: 0,
      nextSeq: 0,
      lines: 0,
      linesDropped: 0,
      lastLineSeq: 0,
    };
    let metrics: MetricsSnapshot | null = null;
    page.socket.on('run.metrics', (snapshot: MetricsSnapshot) => {
      if (snapshot.runId === runId) metrics = snapshot;
    });
    page.socket.on('run.logs', ({ lines, dropped }: { lines: { seq: number }[]; dropped: number }) => {
      heard.lines += lines.length;
      heard.linesDropped += dropped;
      heard.lastLineSeq = lines.at(-1)?.seq ?? heard.lastLineSeq;
    });
    page.socket.on(
      TRACE_FRAME_EVENT,
      (_runId: string, skipped: number, frame: Uint8Array, acknowledge: () => void) => {
        const { firstSeq, records } = decodeFrame(new Uint8Array(frame));
        heard.frames++;
        heard.records += records.length;
        heard.skipped += skipped;
        heard.nextSeq = firstSeq + records.length;
        if (isAwake) acknowledge();
      },
    );
    await page.ask('run.watch', { runId, afterSeq: -1, traces: true, logs: isAwake });
    return { heard, metrics: (): MetricsSnapshot | null => metrics };
  };

  it.each(Object.keys(WORKS))(
    '[TR2] [TR3] [DL8] of a %s is counted exactly, traced within limits, and can be paused, stepped and stopped',
    async (kind) => {
      const page = await server.page(`tab-${kind}`);
      const asleep = await server.page(`tab-asleep-${kind}`);
      const runId = await start(page, kind);
      const awakeTab = await watch(page, runId, true);
      const asleepTab = await watch(asleep, runId, false);
      const counters = (node: string): NodeCounters =>
        awakeTab.metrics()?.nodes[`node:${node}`] ?? zeroCounters();
      const whenFailed = (count: number) =>
        until(`${count} errors`, () => (counters('work').failed >= count ? true : undefined), FLOOD_MS_MAX);
      /** The numbers of a run that stands still: nothing is in flight, and no two snapshots differ. */
      const whenStill = async (status: string): Promise<MetricsSnapshot> => {
        let before: { timeMs: number; text: string } | null = null;
        return until(`the run to stand still, ${status}`, () => {
          const now = awakeTab.metrics();
          if (now?.status !== status || now.timeMs === before?.timeMs) return undefined;
          const { nodes, subscriptions, trace } = now;
          const text = JSON.stringify({ nodes, subscriptions, trace });
          if (text === before?.text && now.conditions['node:work']?.inFlight === 0) return now;
          before = { timeMs: now.timeMs, text };
          return undefined;
        });
      };
      const expectExact = (snapshot: MetricsSnapshot): void => {
        const { 'node:source': source, 'node:work': work } = snapshot.nodes;
        const failed = work?.failed as number;
        expect(work).toEqual({ ...zeroCounters(), in: failed, failed, deadLettered: failed });
        expect(snapshot.nodes['node:work.dead-letters']?.in).toBe(failed);
        expect(snapshot.nodes['node:in']).toMatchObject({ in: source?.out, out: failed });
        const subscription = snapshot.subscriptions['edge:2'];
        expect(subscription?.committed.reduce((sum, offset) => sum + offset, 0)).toBe(failed);
        expect(subscription?.lag).toBe((source?.out as number) - failed);
        expect(subscription?.backlog).toBeLessThanOrEqual(subscription?.backlogMax ?? 0);
      };

      /** Every record that was given out is kept, or counted as left out, once the store has taken what it was given. */
      const whenTraced = (): Promise<MetricsSnapshot> =>
        until('every record to be kept or counted', () => {
          const now = awakeTab.metrics() as MetricsSnapshot;
          const { kept, expired, lost, sampling } = now.trace;
          const given =
            RECORDS_OF_MESSAGE * counters('source').out + RECORDS_OF_ERROR * counters('work').failed;
          return kept + expired + lost + sampling.recordsOut === given ? now : undefined;
        });

      await page.ask('run.resume', { runId });
      await whenFailed(ERRORS);
      const during = awakeTab.metrics();
      expect(during?.conditions['node:work']).toMatchObject({ state: 'failing', code: 'HANDLER_THREW' });
      expect(during?.conditions['node:work']?.inFlight).toBeLessThanOrEqual(3 * 256);
      await page.ask('run.pause', { runId });
      await whenStill('paused');
      const paused = await whenTraced();
      expectExact(paused);
      expect(paused.trace.lost).toBe(0);
      expect(paused.trace.sampling.recordsOut).toBeGreaterThan(0);

      // The page that is awake got every record that was kept or was told its number; the other holds up four frames.
      await until('the page to have all frames', () =>
        awakeTab.heard.nextSeq === paused.trace.lastSeq + 1 ? true : undefined,
      );
      expect(awakeTab.heard.records + awakeTab.heard.skipped).toBe(awakeTab.heard.nextSeq);
      expect(asleepTab.heard.frames).toBeLessThanOrEqual(TRACE_FRAME_CREDIT);
      if (kind === 'handler') {
        const said = (): number => awakeTab.heard.lines + awakeTab.heard.linesDropped;
        await until('a line, or its count, for every error', () =>
          said() === paused.nodes['node:work']?.failed ? true : undefined,
        );
        expect(awakeTab.heard.linesDropped).toBeGreaterThan(0);
      }

      const { nodeId } = await page.ask('run.step', { runId });
      expect(nodeId).toBe('node:work');
      const failed = (paused.nodes['node:work'] as NodeCounters).failed;
      await until('the step to be counted', () =>
        counters('work').failed === failed + 1 ? true : undefined,
      );
      expectExact(await whenStill('paused'));

      await page.ask('run.resume', { runId });
      await whenFailed(failed + ERRORS_MORE);
      await page.ask('run.stop', { runId });
      const ended = await page.whenHeard('run.changed', (run) => run.id === runId && run.endedMs !== null);
      expect(ended.status).toBe('stopped');
      const total = ended.counters['node:work'] ?? zeroCounters();
      expect([total.in, total.deadLettered]).toEqual([total.failed, total.failed]);
      expect(ended.counters['node:work.dead-letters']?.in).toBe(total.failed);

      const { traces, sampledOut, begun } = await page.ask('trace.list', {
        runId,
        status: 'dead-lettered',
        errorCode: 'HANDLER_THREW',
        limit: 1,
      });
      expect(traces).toHaveLength(1);
      expect(sampledOut).toBeGreaterThan(0);
      expect(begun).toBe(ended.counters['node:source']?.out);
      for (const tab of [page, asleep]) tab.close();
    },
    FLOOD_MS_MAX * 2,
  );
});
