type JsonObject = { [key: string]: unknown };

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equality of plain JSON values; the order of keys does not matter. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && sameJson(a[key], b[key]));
}

/**
 * Applies the change `from → to` to `current`, which may have moved on since: only the fields that the change touched
 * are written. This is how undo leaves alone what another tab has edited in the same record.
 */
export function mergeJson(current: unknown, from: unknown, to: unknown): unknown {
  if (sameJson(current, from)) return to;
  if (!isObject(current) || !isObject(from) || !isObject(to)) return to;
  const merged: JsonObject = { ...current };
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (key in from && key in to && sameJson(from[key], to[key])) continue;
    if (!(key in to)) delete merged[key];
    else if (!(key in from)) merged[key] = to[key];
    else merged[key] = mergeJson(current[key], from[key], to[key]);
  }
  return merged;
}

export function getAt(value: unknown, path: readonly (string | number)[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[key];
  }
  return current;
}

/** A copy of `value` with `next` at `path`; what is not on the path is shared. */
export function setAt(value: unknown, path: readonly (string | number)[], next: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return next;
  if (Array.isArray(value)) {
    return value.map((item, index) => (index === key ? setAt(item, rest, next) : item));
  }
  const object = isObject(value) ? value : {};
  return { ...object, [key]: setAt(object[key], rest, next) };
}
