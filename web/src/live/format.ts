/** Numbers and times as people read them. One language everywhere, so that screens and tests agree. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Exact, with separators: 1,204,318. */
export function exactNumber(value: number): string {
  return grouped.format(value);
}

/** Exact below 10,000; then three significant digits: 12.3k, 1.24M. Cut, never rounded up to more than there is. */
export function compactNumber(value: number): string {
  if (Math.abs(value) < 10_000) return exactNumber(value);
  for (const [unit, size] of UNITS) {
    if (Math.abs(value) < size) continue;
    const scaled = value / size;
    const digits = Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
    const factor = 10 ** digits;
    return `${(Math.trunc(scaled * factor) / factor).toFixed(digits)}${unit}`;
  }
  return exactNumber(value);
}
const UNITS = [
  ['T', 1e12],
  ['B', 1e9],
  ['M', 1e6],
  ['k', 1e3],
] as const;

export function formatRate(perSecond: number): string {
  if (!(perSecond > 0)) return '0/s';
  if (perSecond < 0.1) return '<0.1/s';
  if (perSecond < 10) return `${perSecond.toFixed(1)}/s`;
  return `${compactNumber(Math.round(perSecond))}/s`;
}

export function formatDurationUs(durationUs: number): string {
  if (!(durationUs > 0)) return '0 ms';
  if (durationUs < 1_000) return `${Math.round(durationUs)} µs`;
  return formatDurationMs(durationUs / 1_000);
}

export function formatDurationMs(durationMs: number): string {
  if (!(durationMs > 0)) return '0 ms';
  if (durationMs < 1) return `${Math.round(durationMs * 1_000)} µs`;
  if (durationMs < 100) return `${trimmed(durationMs, durationMs < 10 ? 2 : 1)} ms`;
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`;
  const seconds = durationMs / 1_000;
  if (seconds < 60) return `${trimmed(seconds, seconds < 10 ? 2 : 1)} s`;
  return formatElapsed(durationMs);
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

/** How long a run has been going: 0:07, 12:34, 1:02:03. */
export function formatElapsed(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1_000));
  const pad = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/** Local time of day with milliseconds: 14:03:27.512. */
export function formatClock(timeMs: number): string {
  const time = new Date(timeMs);
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
  return `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}.${pad(time.getMilliseconds(), 3)}`;
}

/** Local date and time to the second: 2026-11-23 14:03:27. */
export function formatDateTime(timeMs: number): string {
  const time = new Date(timeMs);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} ${formatClock(timeMs).slice(0, 8)}`;
}

export function formatBytes(bytes: number): string {
  const { name, size } = byteUnitOf(bytes);
  return `${trimmed(bytes / size, 1)} ${name}`;
}

/** `1.1 of 64 MiB`: a part of a limit, in the limit's unit. */
export function formatBytesOf(bytes: number, bytesMax: number): string {
  const { name, size } = byteUnitOf(bytesMax);
  return `${trimmed(bytes / size, 1)} of ${trimmed(bytesMax / size, 1)} ${name}`;
}

const BYTE_UNITS = [
  { name: 'GiB', size: 1_073_741_824 },
  { name: 'MiB', size: 1_048_576 },
  { name: 'KiB', size: 1_024 },
] as const;

function byteUnitOf(bytes: number): { name: string; size: number } {
  return BYTE_UNITS.find(({ size }) => bytes >= size) ?? { name: 'B', size: 1 };
}

/** The last characters of an id, where ids that grow with time differ. */
export function shortId(id: string): string {
  return id.length > 14 ? `…${id.slice(-10)}` : id;
}

export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${exactNumber(count)} ${count === 1 ? one : many}`;
}
