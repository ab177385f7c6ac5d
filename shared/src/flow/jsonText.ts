import { WorkbenchError } from '../errors/workbenchError.ts';

/** The value of a JSON text. Throws FLOW_UNREADABLE with line and column, the same in every JavaScript engine. */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const { at, reason } = locateFault(text);
    const { line, column } = lineAndColumn(text, at);
    throw new WorkbenchError(
      'FLOW_UNREADABLE',
      `This is not readable JSON: line ${line}, column ${column}: ${reason}.`,
      {
        details: { format: 'json', line, column, reason },
        cause: error,
      },
    );
  }
}

export function lineAndColumn(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  return { line, column: at - before.lastIndexOf('\n') };
}

type Fault = { at: number; reason: string };

const LITERAL = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
const SPACE = /[ \t\r\n]*/y;

/**
 * Walks the text with an explicit stack, so that no nesting is too deep, and answers where it stops being JSON.
 * Only asked after JSON.parse has refused; what each engine says about that differs too much to show a person.
 */
function locateFault(text: string): Fault {
  const closers: string[] = [];
  let at = 0;
  let expects: 'value' | 'value or close' | 'key' | 'key or close' | 'separator' = 'value';
  const skipSpace = (): void => {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  };
  for (;;) {
    skipSpace();
    const char = text[at];
    const closer = closers.at(-1);
    if (char === undefined) return { at, reason: endReason(closers) };
    if (expects === 'separator') {
      if (closer === undefined)
        return { at, reason: `nothing may follow the end, but there is ${show(text, at)}` };
      if (char === closer) closers.pop();
      else if (char === ',') expects = closer === '}' ? 'key' : 'value';
      else return { at, reason: `a comma or ${closer} is missing before ${show(text, at)}` };
      at++;
      continue;
    }
    if ((expects === 'value or close' || expects === 'key or close') && char === closer) {
      closers.pop();
      at++;
      expects = 'separator';
      continue;
    }
    if (expects === 'key' || expects === 'key or close') {
      if (char !== '"')
        return {
          at,
          reason:
            char === closer
              ? `a comma before ${closer} is one too many`
              : `a name in double quotes is missing before ${show(text, at)}`,
        };
      const end = scanString(text, at);
      if (typeof end !== 'number') return end;
      at = end;
      skipSpace();
      if (text[at] !== ':')
        return {
          at,
          reason: `a colon is missing ${text[at] === undefined ? 'at the end' : `before ${show(text, at)}`}`,
        };
      at++;
      expects = 'value';
      continue;
    }
    if (char === '{' || char === '[') {
      closers.push(char === '{' ? '}' : ']');
      at++;
      expects = char === '{' ? 'key or close' : 'value or close';
      continue;
    }
    const end = char === '"' ? scanString(text, at) : scanLiteral(text, at, closer);
    if (typeof end !== 'number') return end;
    at = end;
    expects = 'separator';
  }
}

function endReason(closers: readonly string[]): string {
  const closer = closers.at(-1);
  return closer === undefined ? 'a value is missing' : `it ends early, ${closer} is missing`;
}

function scanLiteral(text: string, at: number, closer: string | undefined): number | Fault {
  LITERAL.lastIndex = at;
  if (LITERAL.test(text)) return LITERAL.lastIndex;
  if (text[at] === closer) return { at, reason: `a value is missing before ${closer}` };
  return { at, reason: `${show(text, at)} is not a value` };
}

function scanString(text: string, start: number): number | Fault {
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at] as string;
    if (char === '"') return at + 1;
    if (char < ' ')
      return {
        at,
        reason:
          char === '\n' || char === '\r'
            ? 'a text is not closed on its line'
            : 'a text holds a control character',
      };
    if (char !== '\\') continue;
    at++;
    const escaped = text[at] ?? '';
    if (
      escaped === 'u'
        ? !/^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))
        : !'"\\/bfnrt'.includes(escaped) || escaped === ''
    ) {
      return { at: at - 1, reason: 'a text holds an unknown escape' };
    }
  }
  return { at: start, reason: 'a text is not closed' };
}

function show(text: string, at: number): string {
  const word = /^[\w.+-]{1,24}/.exec(text.slice(at, at + 24))?.[0];
  return `"${word ?? String.fromCodePoint(text.codePointAt(at) ?? 0)}"`;
}
