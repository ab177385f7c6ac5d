import { describe, expect, it } from 'vitest';
import { testNode } from '../testNodes.ts';
import { createSource } from './registry.ts';
import type { Source } from './source.ts';

const STARTED_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

async function schedule(cron: string, timezone = 'UTC', nowMs = () => STARTED_MS): Promise<Source> {
  const node = testNode('schedule', { cron, timezone, payload: '{"n":"{{index}}","at":"{{now}}"}' });
  const source = await createSource(node, { fileFolders: [], seed: 1, nowMs, startedMs: STARTED_MS });
  if (!source) throw new Error('a schedule is a source');
  return source;
}

describe('a schedule', () => {
  it('makes an item for each time, due that long after the start of the run', async () => {
    const source = await schedule('*/10 * * * * *');
    const first = (await source.read(null, 100)).items;
    expect(first).toHaveLength(1);
    expect(first[0]).toMatchObject({
      data: '{"n":0,"at":"2026-01-02T03:04:10.000Z"}',
      timeMs: STARTED_MS + 5000,
      dueMs: 5000,
    });
    const second = (await source.read(first[0]?.cursor ?? null, 100)).items;
    expect(second[0]).toMatchObject({ data: '{"n":1,"at":"2026-01-02T03:04:20.000Z"}', dueMs: 15_000 });
    expect((await source.read(null, 1)).items).toEqual(first);
  });

  it('makes up for the last of the times that passed while the run was down, not for all', async () => {
    let nowMs = STARTED_MS;
    const source = await schedule('0 * * * *', 'UTC', () => nowMs);
    const { items } = await source.read(null, 1);
    nowMs += 5.5 * 3_600_000;
    const missed = (await source.read(items[0]?.cursor ?? null, 1)).items;
    expect(missed[0]?.timeMs).toBe(Date.UTC(2026, 0, 2, 8));
    const next = (await source.read(missed[0]?.cursor ?? null, 1)).items;
    expect(next[0]?.timeMs).toBe(Date.UTC(2026, 0, 2, 9));
  });

  it('goes by the clock of its time zone', async () => {
    const source = await schedule('30 9 * * *', 'America/New_York');
    expect((await source.read(null, 1)).items[0]?.timeMs).toBe(Date.UTC(2026, 0, 2, 14, 30));
  });

  it('ends when no time is left', async () => {
    const source = await schedule('0 0 0 31 2 *').catch((error: unknown) => error);
    if (source instanceof Error) expect(source).toMatchObject({ code: 'CRON_INVALID' });
    else expect(await (source as Source).read(null, 1)).toEqual({ items: [], done: true });
  });

  it('refuses what is no cron expression or no time zone', async () => {
    await expect(schedule('every minute')).rejects.toMatchObject({
      code: 'CRON_INVALID',
      message: expect.stringMatching(/"every minute" is not a cron expression: .*\*\/10/),
    });
    await expect(schedule('61 * * * *')).rejects.toMatchObject({ code: 'CRON_INVALID' });
    await expect(schedule('* * * * *', 'Mars/Olympus')).rejects.toMatchObject({
      code: 'CRON_INVALID',
      message: expect.stringContaining('Mars/Olympus'),
    });
  });
});
