import type { JsonText } from './message.ts';

/**
 * The value at a path such as `customer.id` or `items.0.sku`; undefined when there is none. A field whose own name
 * holds dots wins over the nested reading, so that flat records such as `{"customer.id": 7}` can be addressed too.
 */
export function readPath(value: unknown, path: string): unknown {
  if (path === '') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Object.hasOwn(value, path)) return (value as Record<string, unknown>)[path];
  const dot = path.indexOf('.');
  if (dot < 0) return undefined;
  const head = path.slice(0, dot);
  if (!Object.hasOwn(value, head)) return undefined;
  return readPath((value as Record<string, unknown>)[head], path.slice(dot + 1));
}

/** The text of a scalar as a key; null for null, missing values, objects and arrays. */
export function keyText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return null;
}

/** The key of a payload by the path of its field; null for a keyless message and when the payload is not JSON. */
export function keyOf(data: JsonText, path: string): string | null {
  if (path === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return null;
  }
  return keyText(readPath(value, path));
}
