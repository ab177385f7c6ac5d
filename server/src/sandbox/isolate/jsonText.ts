/** Turns a value of a person's code into JSON text, or says where in it lies what JSON cannot hold. */
export function jsonTextOf(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (thrown) {
    const fault = faultIn(value, what, new Set());
    if (fault === undefined) throw thrown;
    throw new TypeError(fault);
  }
  if (text !== undefined) return text;
  throw new TypeError(`${what} is ${nameOf(value)}, which JSON cannot hold; use null for "nothing"`);
}

/** A toJSON method in the way ends the search: what it returned is not known here. */
function faultIn(value: unknown, path: string, above: Set<object>): string | undefined {
  if (typeof value === 'bigint')
    return `${path} is a BigInt, which JSON cannot hold; use Number(…) or String(…)`;
  if (typeof value !== 'object' || value === null) return undefined;
  if (above.has(value)) return `${path} refers back to an object that contains it, which JSON cannot hold`;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined;
  above.add(value);
  for (const [key, child] of Object.entries(value)) {
    const fault = faultIn(child, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, above);
    if (fault !== undefined) return fault;
  }
  above.delete(value);
  return undefined;
}

function nameOf(value: unknown): string {
  return value === undefined ? 'undefined' : `a ${typeof value}`;
}

/** How a value reads in a log line: strings as they are, errors with their stack, the rest as JSON where that works. */
export function logTextOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return typeof value.stack === 'string' ? value.stack : String(value);
  if (typeof value === 'object' && value !== null) {
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return faultIn(value, 'value', new Set()) ?? '[object]';
    }
  }
  return typeof value === 'bigint' ? `${value}n` : String(value);
}
