import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import type { Word, Words } from './words.ts';

const toCompletion = ({ name, detail, info, kind, apply }: Word): Completion => ({
  label: name,
  detail,
  type: kind,
  ...(info ? { info } : {}),
  ...(apply ? { apply } : {}),
});

/** What follows the cursor's left: `event.`, `event.data.`, `ctx.`, the first argument of `ctx.emit`, or `{{`. */
export function completeWith(words: () => Words) {
  return (context: CompletionContext): CompletionResult | null => {
    const all = words();
    const sources: [RegExp, readonly Word[]][] = [
      [/\bevent\.data\.\w*$/, all.data],
      [/\bevent\.\w*$/, all.event],
      [/\bctx\.\w*$/, all.ctx],
    ];
    for (const [pattern, list] of sources) {
      const match = list.length > 0 ? context.matchBefore(pattern) : null;
      if (match) {
        const from = match.from + match.text.lastIndexOf('.') + 1;
        return { from, options: list.map(toCompletion), validFor: /^\w*$/ };
      }
    }
    const emit = all.targets.length > 0 ? context.matchBefore(/\bctx\.emit\(\s*['"][^'"]*$/) : null;
    if (emit) {
      const from = emit.from + Math.max(emit.text.lastIndexOf("'"), emit.text.lastIndexOf('"')) + 1;
      return { from, options: all.targets.map(toCompletion), validFor: /^[^'"]*$/ };
    }
    const template = all.template.length > 0 ? context.matchBefore(/\{\{[^{}]*$/) : null;
    if (template) return { from: template.from, options: all.template.map(asTemplate), filter: true };
    if (all.event.length > 0) {
      const word = context.matchBefore(/\b[a-z]\w*$/i);
      if (word || context.explicit)
        return { from: word?.from ?? context.pos, options: roots(all), validFor: /^\w*$/ };
    }
    return null;
  };
}

/** Arguments hold JSON, which stands inside a JSON string. */
const asTemplate = (word: Word): Completion => ({
  label: `{{${word.name}}}`,
  detail: word.detail,
  type: 'text',
  apply: `{{${word.name.replaceAll('"', '\\"')}}}`,
});

function roots(words: Words): Completion[] {
  const event: Completion = { label: 'event', type: 'variable', detail: 'the message' };
  return words.ctx.length > 0
    ? [event, { label: 'ctx', type: 'variable', detail: 'what the handler may do' }]
    : [event];
}
