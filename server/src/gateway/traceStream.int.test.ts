import { TRACE_FRAME_CREDIT, TRACE_FRAME_EVENT } from '@millrace/shared/protocol/catalog.ts';
import { decodeFrame } from '@millrace/shared/trace/frame.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../testing/until.ts';
import { WAITING_FRAMES_MAX } from './limits.ts';
import { countingFlow } from './testing/testFlows.ts';
import { startTestServer, type TestPage, type TestServer } from './testing/testServer.ts';

/** What a page heard of a run's traces; it acknowledges at once, or when it is told to. */
function follow(page: TestPage, isPrompt: boolean) {
  const heard = { frames: 0, records: 0, skipped: 0, firstSeq: -1, nextSeq: -1 };
  const unacknowledged: (() => void)[] = [];
  let prompt = isPrompt;
  page.socket.on(
    TRACE_FRAME_EVENT,
    (_runId: string, skipped: number, frame: Uint8Array, acknowledge: () => void) => {
      const { firstSeq, records } = decodeFrame(new Uint8Array(frame));
      if (heard.firstSeq < 0) heard.firstSeq = firstSeq - skipped;
      // Nothing is ever sent twice, and what lies in between was said to be skipped.
      else expect(firstSeq).toBe(heard.nextSeq + skipped);
      heard.nextSeq = firstSeq + records.length;
      heard.frames++;
      heard.records += records.length;
      heard.skipped += skipped;
      if (prompt) acknowledge();
      else unacknowledged.push(acknowledge);
    },
  );
  return {
    heard,
    wake: () => {
      prompt = true;
      for (const acknowledge of unacknowledged.splice(0)) acknowledge();
    },
  };
}

describe('the stream of traces', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.stop());

  const start = async (page: TestPage, id: string, count: number): Promise<string> => {
    const document = countingFlow({ id, count, ratePerSecond: 1000 });
    document.settings.traceRatePerSecond = 0;
    await page.ask('flow.import', { document, keepId: true });
    const { id: runId } = await page.ask('run.start', { flowId: id, paused: true });
    return runId;
  };
  const watch = (page: TestPage, runId: string, afterSeq: number | null) =>
    page.ask('run.watch', { runId, afterSeq, traces: true, logs: false });
  /** Number after the last record of a run that is over. */
  const endOf = async (runId: string): Promise<number> => {
    const page = await server.page('tab-end');
    const { nextSeq } = await watch(page, runId, null);
    page.close();
    return nextSeq;
  };
  const whenCompleted = (page: TestPage, runId: string) =>
    page.whenHeard('run.changed', (run) => run.id === runId && run.status === 'completed');

  it('[TR3] holds little for a page that sleeps, which neither the run nor another page notices', async () => {
    const awake = await server.page('tab-awake');
    const asleep = await server.page('tab-asleep');
    const runId = await start(awake, 'flow:asleep', 4000);
    const prompt = follow(awake, true);
    const sleepy = follow(asleep, false);
    await watch(awake, runId, -1);
    await watch(asleep, runId, -1);
    await awake.ask('run.resume', { runId });
    await whenCompleted(awake, runId);
    const end = await endOf(runId);
    expect(end).toBeGreaterThan(20_000);
    await until('every record at the page that is awake', () =>
      prompt.heard.nextSeq === end ? true : undefined,
    );
    expect(prompt.heard).toMatchObject({ firstSeq: 0, records: end, skipped: 0 });
    expect(sleepy.heard.frames).toBe(TRACE_FRAME_CREDIT);

    sleepy.wake();
    await until('the newest frames at the page that slept', () =>
      sleepy.heard.nextSeq === end ? true : undefined,
    );
    expect(sleepy.heard.frames).toBeLessThanOrEqual(TRACE_FRAME_CREDIT + WAITING_FRAMES_MAX);
    expect(sleepy.heard.skipped).toBeGreaterThan(0);
    expect(sleepy.heard.records + sleepy.heard.skipped).toBe(end);
    for (const page of [awake, asleep]) page.close();
  });

  it('[TR5] resumes in the middle of a frame from the store, without a gap or a repetition', async () => {
    const page = await server.page();
    const runId = await start(page, 'flow:resume', 300);
    await page.ask('run.resume', { runId });
    await whenCompleted(page, runId);
    const later = await server.page('tab-later');
    const { heard } = follow(later, true);
    const answer = await watch(later, runId, 999);
    expect(answer).toMatchObject({ nextSeq: 1000, gap: 0 });
    const end = await endOf(runId);
    await until('the rest of the records', () => (heard.nextSeq === end ? true : undefined));
    expect(heard).toMatchObject({ firstSeq: 1000, records: end - 1000, skipped: 0 });
    for (const of of [page, later]) of.close();
  });
});
