import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import { Cron } from 'croner';
import type { Source, SourceEnvironment } from './source.ts';
import { RandomFaker } from './template/randomFaker.ts';
import { compileJsonTemplate, compileTextTemplate } from './template/template.ts';

/**
 * One item at each time a cron expression names. The cursor is `<time of the last item>/<index of the next>`. One item
 * is read at a time, so that nothing is made ahead for a time that the run then sleeps through: of the times that passed
 * while it was down, the last one is made up for, the others are not.
 */
export async function createScheduleSource(
  node: FlowNodeOf<'schedule'>,
  env: SourceEnvironment,
): Promise<Source> {
  const { config } = node;
  const cron = openCron(config.cron, config.timezone);
  const random = new RandomFaker(env.seed, node.id);
  const payload = compileJsonTemplate('Payload', config.payload, random);
  const key = config.key === '' ? null : compileTextTemplate('Key', config.key, random);
  return {
    async read(cursor) {
      const { lastMs, index } = cursor === null ? { lastMs: env.startedMs, index: 0 } : parseCursor(cursor);
      const timeMs = nextTime(cron, lastMs, env.nowMs());
      if (timeMs === null) return { items: [], done: true };
      random.moveTo(index, timeMs);
      const item = {
        data: payload({ index, timeMs }),
        type: config.eventType,
        id: null,
        timeMs,
        key: key === null ? null : key({ index, timeMs }),
        dueMs: timeMs - env.startedMs,
        cursor: `${timeMs}/${index + 1}`,
      };
      return { items: [item], done: false };
    },
    async close() {},
  };
}

/** The next time after `lastMs`; when several have passed by `nowMs`, the last of them. */
function nextTime(cron: Cron, lastMs: number, nowMs: number): number | null {
  const next = cron.nextRun(new Date(lastMs))?.getTime() ?? null;
  if (next === null || next > nowMs) return next;
  const latest = cron.previousRuns(1, new Date(nowMs + 1))[0]?.getTime();
  return latest !== undefined && latest > next && latest <= nowMs ? latest : next;
}

function openCron(expression: string, timezone: string): Cron {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    throw new WorkbenchError(
      'CRON_INVALID',
      `${timezone} is not a time zone; use an IANA name such as UTC or Europe/Berlin.`,
      { details: { timezone } },
    );
  }
  try {
    // Paused: this library is asked for times; the engine does the waiting.
    return new Cron(expression, { timezone, paused: true });
  } catch (thrown) {
    const reason = (thrown instanceof Error ? thrown.message : String(thrown)).replace(
      /^CronPattern:\s*/,
      '',
    );
    throw new WorkbenchError(
      'CRON_INVALID',
      `"${expression}" is not a cron expression: ${reason} Five fields (minute hour day month weekday) or six with seconds first, such as */10 * * * * *.`,
      { details: { cron: expression } },
    );
  }
}

function parseCursor(cursor: string): { lastMs: number; index: number } {
  const match = /^(\d+)\/(\d+)$/.exec(cursor);
  if (match) return { lastMs: Number(match[1]), index: Number(match[2]) };
  throw new WorkbenchError('SOURCE_UNREADABLE', `The saved position "${cursor}" is not that of a schedule.`);
}
