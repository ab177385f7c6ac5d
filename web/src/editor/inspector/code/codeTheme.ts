import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** Our tokens, so that the code follows the page from light to dark. */
const surface = EditorView.theme({
  '&': { color: 'var(--mr-text)', backgroundColor: 'transparent' },
  '.cm-content': {
    fontFamily: 'var(--mr-mono)',
    caretColor: 'var(--mr-text)',
    // Code is shown as it is typed: >= stays two characters.
    fontVariantLigatures: 'none',
    padding: '6px 0',
  },
  '.cm-line': { padding: '0 8px' },
  '.cm-cursor': { borderLeftColor: 'var(--mr-text)' },
  '.cm-scroller': { fontFamily: 'var(--mr-mono)', lineHeight: '1.5', overflow: 'auto' },
  '.cm-gutters': {
    backgroundColor: 'transparent',
    color: 'var(--mr-text-soft)',
    border: 'none',
    fontSize: '11px',
  },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--mr-focus) 7%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'color-mix(in srgb, var(--mr-focus) 28%, transparent) !important',
  },
  '.cm-tooltip': {
    backgroundColor: 'var(--mr-panel)',
    color: 'var(--mr-text)',
    border: '1px solid var(--mr-line-strong)',
    borderRadius: '6px',
    boxShadow: 'var(--mr-shadow-raised)',
    fontSize: '12px',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--mr-selected)',
    color: 'var(--mr-text)',
  },
  '.cm-completionDetail': { color: 'var(--mr-text-soft)', fontStyle: 'normal' },
  '.cm-completionInfo': { padding: '6px 10px', maxWidth: '260px' },
  '.cm-placeholder': { color: 'var(--mr-text-soft)' },
  '.cm-matchingBracket': {
    backgroundColor: 'color-mix(in srgb, var(--mr-focus) 25%, transparent) !important',
  },
  '.cm-panels': { backgroundColor: 'var(--mr-panel)', color: 'var(--mr-text)' },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--mr-consumer)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--mr-ok)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--mr-producer)' },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--mr-topic)' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: 'var(--mr-accent)' },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: 'var(--mr-text-soft)' },
]);

export const codeTheme: Extension = [surface, syntaxHighlighting(colours)];
