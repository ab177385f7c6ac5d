/** Times and sizes as people write them: `24 h`, `10 min`, `1.5 GiB`. Fields show them beside the exact number and take both. */
export type QuantityKind = 'duration' | 'bytes';

type Unit = { name: string; size: number; others: readonly string[] };

/** Largest first. Days are told only from two on: `24 h` says more than `1 d`. */
const DURATIONS: readonly Unit[] = [
  { name: 'd', size: 86_400_000, others: ['day', 'days'] },
  { name: 'h', size: 3_600_000, others: ['hr', 'hrs', 'hour', 'hours'] },
  { name: 'min', size: 60_000, others: ['m', 'mins', 'minute', 'minutes'] },
  { name: 's', size: 1000, others: ['sec', 'secs', 'second', 'seconds'] },
  { name: 'ms', size: 1, others: ['msec', 'millisecond', 'milliseconds'] },
];
const DAYS_MIN = 2;

/** Powers of 1,024, also where somebody writes `MB`: what is limited here is memory and disk. */
const SIZES: readonly Unit[] = [
  { name: 'TiB', size: 1024 ** 4, others: ['tb', 't'] },
  { name: 'GiB', size: 1024 ** 3, others: ['gb', 'g'] },
  { name: 'MiB', size: 1024 ** 2, others: ['mb', 'm'] },
  { name: 'KiB', size: 1024, others: ['kb', 'k'] },
  { name: 'B', size: 1, others: ['byte', 'bytes'] },
];

const UNITS: Readonly<Record<QuantityKind, readonly Unit[]>> = { duration: DURATIONS, bytes: SIZES };

const PART = /([+-]?\d+(?:[.,]\d+)?)\s*([a-zµ]+)/gi;

/** What the text comes to in milliseconds or bytes, whole; null when it is no such text. A bare number has no unit and is none. */
export function parseQuantity(kind: QuantityKind, text: string): number | null {
  const parts = [...text.trim().matchAll(PART)];
  if (parts.length === 0 || text.replaceAll(PART, '').trim() !== '') return null;
  let total = 0;
  for (const [, figure = '', word = ''] of parts) {
    const unit = UNITS[kind].find((each) => isCalled(each, word));
    if (!unit) return null;
    total += Number(figure.replace(',', '.')) * unit.size;
  }
  return Number.isFinite(total) ? Math.round(total) : null;
}

function isCalled({ name, others }: Unit, word: string): boolean {
  const lower = word.toLowerCase();
  return name.toLowerCase() === lower || others.includes(lower);
}

/** In the largest unit of which there is at least one, with at most two decimals; `about` where those round. */
export function formatQuantity(kind: QuantityKind, value: number): string {
  const unit =
    UNITS[kind].find(({ name, size }) => Math.abs(value) >= size * (name === 'd' ? DAYS_MIN : 1)) ??
    (UNITS[kind].at(-1) as Unit);
  const scaled = value / unit.size;
  const rounded = Number(scaled.toFixed(2));
  const exact = Math.abs(rounded - scaled) < 1e-9;
  return `${exact ? '' : 'about '}${rounded} ${unit.name}`;
}

/** Which quantity a unit of the schemas stands for; null for counts and shares. */
export function quantityOf(unit: string | null): QuantityKind | null {
  if (unit === 'ms') return 'duration';
  return unit?.startsWith('bytes') ? 'bytes' : null;
}
