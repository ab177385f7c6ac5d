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
  const plain = plainText(data, path);
  if (plain !== undefined) return plain;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return null;
  }
  return keyText(readPath(value, path));
}

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;

/**
 * The text of an object's field, found without making values of all the others: every message that is appended to a
 * topic with a key path is asked for its key. Undefined when this quick look cannot tell, be it for doubt only.
 *
 * Where nothing is escaped, a quote begins or ends a text, and what ends just before a colon is a name. It is the
 * object's own when no other object has begun before it, and the one that counts when it stands there once.
 */
function plainText(data: JsonText, path: string): string | undefined {
  if (data.charCodeAt(0) !== OPEN_OBJECT || data.includes('\\')) return undefined;
  const name = quotedName(path);
  const at = data.indexOf(name);
  const from = at + name.length;
  if (at < 0 || data.charCodeAt(from) !== QUOTE) return undefined;
  const nested = data.indexOf('{', 1);
  if ((nested >= 0 && nested < at) || data.indexOf(name, from) >= 0) return undefined;
  const end = data.indexOf('"', from + 1);
  return end < 0 ? undefined : data.slice(from + 1, end);
}

/** A topic's path is the same for all of its messages; putting the text together costs more than looking for it. */
const quotedNames = new Map<string, string>();
const QUOTED_NAMES_MAX = 256;

function quotedName(path: string): string {
  const known = quotedNames.get(path);
  if (known !== undefined) return known;
  if (quotedNames.size >= QUOTED_NAMES_MAX) quotedNames.clear();
  const name = `${JSON.stringify(path)}:`;
  quotedNames.set(path, name);
  return name;
}
