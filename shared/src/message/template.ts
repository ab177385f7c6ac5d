import { WorkbenchError } from '../errors/workbenchError.ts';

/** The value of one `{{…}}` for one item. */
export type TemplateField<Item> = (item: Item) => unknown;
/** Reads what stands between the braces. Throws TemplateFieldError with a sentence for what it does not know. */
export type CompileField<Item> = (expression: string) => TemplateField<Item>;
export class TemplateFieldError extends Error {}

export type TemplatePart<Item> = string | TemplateField<Item>;

/** Plain text in which every `{{…}}` is replaced by its value as text. Throws TEMPLATE_INVALID naming `field`. */
export function compileTextTemplate<Item>(
  field: string,
  text: string,
  compile: CompileField<Item>,
): (item: Item) => string {
  return textOfParts(textParts(field, text, compile));
}

/**
 * JSON. A string that is one `{{…}}` and nothing else becomes the value with its type; in any other string the values
 * are put into the text. What does not change is turned into JSON once.
 */
export function compileJsonTemplate<Item>(
  field: string,
  text: string,
  compile: CompileField<Item>,
): (item: Item) => string {
  const parts: TemplatePart<Item>[] = [];
  const fixed = (json: string): void => {
    const last = parts.at(-1);
    if (typeof last === 'string') parts[parts.length - 1] = last + json;
    else parts.push(json);
  };
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'string') {
      const expression = stringField(path, value, compile);
      if (expression === null) fixed(JSON.stringify(value));
      else parts.push(expression);
    } else if (Array.isArray(value)) {
      fixed('[');
      for (const [index, child] of value.entries()) {
        if (index > 0) fixed(',');
        visit(child, `${path}[${index}]`);
      }
      fixed(']');
    } else if (typeof value === 'object' && value !== null) {
      fixed('{');
      for (const [index, [name, child]] of Object.entries(value).entries()) {
        fixed(`${index > 0 ? ',' : ''}${JSON.stringify(name)}:`);
        visit(child, `${path}.${name}`);
      }
      fixed('}');
    } else fixed(JSON.stringify(value));
  };
  visit(parseJson(field, text), field);
  return (item) => {
    let json = '';
    for (const part of parts)
      json += typeof part === 'string' ? part : (JSON.stringify(part(item)) ?? 'null');
    return json;
  };
}

/** The fixed texts of a template and what stands between them. */
export function textParts<Item>(
  path: string,
  text: string,
  compile: CompileField<Item>,
): TemplatePart<Item>[] {
  const parts: TemplatePart<Item>[] = [];
  let from = 0;
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', from)) {
    const close = endOfField(text, open + 2);
    if (close < 0) {
      const rest = text.slice(open, open + 40);
      throw new WorkbenchError('TEMPLATE_INVALID', `${path}: "${rest}" opens a {{…}} that is never closed.`, {
        details: { field: path },
      });
    }
    if (open > from) parts.push(text.slice(from, open));
    parts.push(compileAt(path, text.slice(open + 2, close).trim(), compile));
    from = close + 2;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

function textOfParts<Item>(parts: TemplatePart<Item>[]): (item: Item) => string {
  return (item) => parts.map((part) => (typeof part === 'string' ? part : asText(part(item)))).join('');
}

function parseJson(field: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const hint = text.includes('{{') ? ' Inside a string, quotes of {{…}} are written \\".' : '';
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new WorkbenchError('TEMPLATE_INVALID', `${field} is not JSON: ${reason}.${hint}`, {
      details: { field },
    });
  }
}

/** Null when the string has no `{{…}}`. */
function stringField<Item>(
  path: string,
  text: string,
  compile: CompileField<Item>,
): TemplateField<Item> | null {
  const parts = textParts(path, text, compile);
  const [only] = parts;
  if (parts.length === 1) return typeof only === 'function' ? only : null;
  return parts.length === 0 ? null : textOfParts(parts);
}

/** Where the `}}` of a field stands; braces and strings of its arguments in JSON are passed over. -1 when there is none. */
function endOfField(text: string, from: number): number {
  let depth = 0;
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const char = text[i];
    if (quoted && char === '\\') i++;
    else if (char === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (char === '{') depth++;
    else if (char === '}' && depth > 0) depth--;
    else if (char === '}' && text[i + 1] === '}') return i;
  }
  return -1;
}

function compileAt<Item>(path: string, expression: string, compile: CompileField<Item>): TemplateField<Item> {
  try {
    return compile(expression);
  } catch (thrown) {
    if (!(thrown instanceof TemplateFieldError)) throw thrown;
    const sentence = /[.?]$/.test(thrown.message) ? thrown.message : `${thrown.message}.`;
    throw new WorkbenchError('TEMPLATE_INVALID', `${path}: ${sentence}`, {
      details: { field: path, expression },
    });
  }
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
