/**
 * Paths of the properties in which two JSON values differ: `retry.attemptsMax`. Lists count as one property, because an
 * entry that moved would otherwise read as many changes. Sorted.
 */
export function changedPaths(before: unknown, after: unknown, prefix = ''): string[] {
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) =>
      changedPaths(before[name], after[name], prefix === '' ? name : `${prefix}.${name}`),
    );
  }
  return isSame(before, after) ? [] : [prefix];
}

function isSame(before: unknown, after: unknown): boolean {
  if (Array.isArray(before) && Array.isArray(after))
    return before.length === after.length && before.every((item, index) => isSame(item, after[index]));
  if (isObject(before) && isObject(after)) return changedPaths(before, after).length === 0;
  return before === after;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
