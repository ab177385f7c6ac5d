export type JsonTokenKind = 'key' | 'string' | 'number' | 'word' | 'punctuation' | 'space';
export type JsonToken = { kind: JsonTokenKind; text: string };

const TOKEN = /"(?:[^"\\]|\\.)*"?|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|[a-zA-Z]+|[{}[\],:]|\s+|./gs;

/**
 * JSON text in coloured pieces, indented. Works on the text and not on parsed values, so that large numbers keep every
 * digit, duplicate keys stay, and text that was cut in the middle is still shown.
 */
export function prettyTokens(text: string): JsonToken[] {
  const raw = (text.match(TOKEN) ?? []).filter((piece) => !/^\s+$/.test(piece));
  const tokens: JsonToken[] = [];
  let depth = 0;
  const newLine = (): void => {
    tokens.push({ kind: 'space', text: `\n${'  '.repeat(depth)}` });
  };
  raw.forEach((piece, index) => {
    const next = raw[index + 1];
    if (piece === '{' || piece === '[') {
      tokens.push({ kind: 'punctuation', text: piece });
      depth++;
      if (next !== '}' && next !== ']') newLine();
    } else if (piece === '}' || piece === ']') {
      depth = Math.max(0, depth - 1);
      const before = raw[index - 1];
      if (before !== '{' && before !== '[') newLine();
      tokens.push({ kind: 'punctuation', text: piece });
    } else if (piece === ',') {
      tokens.push({ kind: 'punctuation', text: piece });
      newLine();
    } else if (piece === ':') {
      tokens.push({ kind: 'punctuation', text: ': ' });
    } else {
      tokens.push({ kind: kindOf(piece, next), text: piece });
    }
  });
  return tokens;
}

function kindOf(piece: string, next: string | undefined): JsonTokenKind {
  if (piece.startsWith('"')) return next === ':' ? 'key' : 'string';
  return /^[-\d]/.test(piece) ? 'number' : 'word';
}
