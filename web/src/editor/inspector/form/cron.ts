/** The fields of a cron expression: what a person is told while typing. The server's own parser has the last word. */
type CronFields = {
  seconds: Set<number>;
  minutes: Set<number>;
  hours: Set<number>;
  days: Set<number>;
  months: Set<number>;
  weekdays: Set<number>;
  anyDay: boolean;
  anyWeekday: boolean;
};
type FieldRange = { name: string; min: number; max: number; names?: readonly string[] };

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const RANGES: readonly FieldRange[] = [
  { name: 'seconds', min: 0, max: 59 },
  { name: 'minutes', min: 0, max: 59 },
  { name: 'hours', min: 0, max: 23 },
  { name: 'days of the month', min: 1, max: 31 },
  { name: 'months', min: 1, max: 12, names: MONTHS },
  { name: 'weekdays', min: 0, max: 7, names: WEEKDAYS },
];

export type CronReading = { ok: true; fields: CronFields } | { ok: false; sentence: string };

export function readCron(expression: string): CronReading {
  const parts = expression.trim().split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6) {
    return {
      ok: false,
      sentence: `${parts.length} ${parts.length === 1 ? 'field' : 'fields'}; five or six are needed.`,
    };
  }
  const all = parts.length === 5 ? ['0', ...parts] : parts;
  const sets: Set<number>[] = [];
  for (const [index, range] of RANGES.entries()) {
    const set = readField(all[index] ?? '', range);
    if (!set) return { ok: false, sentence: `${all[index]} makes no sense for ${range.name}.` };
    sets.push(set);
  }
  const [seconds, minutes, hours, days, months, weekdays] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  if (weekdays.has(7)) weekdays.add(0);
  return {
    ok: true,
    fields: {
      seconds,
      minutes,
      hours,
      days,
      months,
      weekdays,
      anyDay: all[3] === '*' || all[3] === '?',
      anyWeekday: all[5] === '*' || all[5] === '?',
    },
  };
}

function readField(text: string, range: FieldRange): Set<number> | null {
  const set = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const match = /^(\*|\?|[a-z]{3}|\d+)(?:-([a-z]{3}|\d+))?(?:\/(\d+))?$/.exec(part);
    if (!match) return null;
    const [, start = '', end, step] = match;
    const isAll = start === '*' || start === '?';
    const from = isAll ? range.min : numberOf(start, range);
    const to = end === undefined ? (isAll || step !== undefined ? range.max : from) : numberOf(end, range);
    const by = step === undefined ? 1 : Number(step);
    if (from === null || to === null || from < range.min || to > range.max || from > to || by < 1)
      return null;
    for (let value = from; value <= to; value += by) set.add(value);
  }
  return set;
}

function numberOf(text: string, range: FieldRange): number | null {
  if (/^\d+$/.test(text)) return Number(text);
  const index = range.names?.indexOf(text) ?? -1;
  return index < 0 ? null : index + range.min;
}

const DAYS_AHEAD_MAX = 366 * 5;

/** The next times after `from`, both as the clock on the wall of the time zone shows them (as if it were UTC). */
export function nextTimes(fields: CronFields, from: Date, count: number): Date[] {
  const times: Date[] = [];
  const day = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate()));
  for (let ahead = 0; ahead < DAYS_AHEAD_MAX && times.length < count; ahead++) {
    if (isDay(fields, day)) collectDay(fields, day, from, count, times);
    day.setUTCDate(day.getUTCDate() + 1);
  }
  return times;
}

/** As in Vixie's cron: when both day fields are restricted, either one is enough. */
function isDay(fields: CronFields, day: Date): boolean {
  if (!fields.months.has(day.getUTCMonth() + 1)) return false;
  const byDate = fields.days.has(day.getUTCDate());
  const byWeekday = fields.weekdays.has(day.getUTCDay());
  if (fields.anyDay || fields.anyWeekday) return byDate && byWeekday;
  return byDate || byWeekday;
}

function collectDay(fields: CronFields, day: Date, from: Date, count: number, times: Date[]): void {
  for (const hour of sorted(fields.hours)) {
    for (const minute of sorted(fields.minutes)) {
      for (const second of sorted(fields.seconds)) {
        const time = new Date(day.getTime() + ((hour * 60 + minute) * 60 + second) * 1000);
        if (time <= from) continue;
        times.push(time);
        if (times.length >= count) return;
      }
    }
  }
}

const sorted = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);

/** What the clock on the wall shows in a time zone, as a date whose UTC fields read that. Null for no such zone. */
export function wallClock(now: Date, timeZone: string): Date | null {
  try {
    const parts = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    }).formatToParts(now);
    const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value);
    return new Date(
      Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')),
    );
  } catch {
    return null;
  }
}
