import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import type { Ring } from '../live/ring.ts';

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLine['level'][];
/** `level` is the lowest level shown. */
export type LogFilter = { level: LogLine['level']; text: string; nodeId: string | null };

/** Lines before number `until` that pass the filter, oldest first. Text is looked for in the line and its node's name. */
export function filterLines(
  lines: Ring<LogLine>,
  until: number,
  filter: LogFilter,
  nameOf: (nodeId: string) => string,
): LogLine[] {
  const lowest = LEVELS.indexOf(filter.level);
  const text = filter.text.trim().toLowerCase();
  const found: LogLine[] = [];
  for (let number = lines.first; number < until; number++) {
    const line = lines.at(number);
    if (!line || LEVELS.indexOf(line.level) < lowest) continue;
    if (filter.nodeId !== null && line.nodeId !== filter.nodeId) continue;
    if (
      text !== '' &&
      !line.message.toLowerCase().includes(text) &&
      !nameOf(line.nodeId).toLowerCase().includes(text)
    ) {
      continue;
    }
    found.push(line);
  }
  return found;
}
