import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { json, jsonParseLinter } from '@codemirror/lang-json';
import { bracketMatching, indentOnInput, syntaxTree } from '@codemirror/language';
import { type Diagnostic, linter, lintKeymap } from '@codemirror/lint';
import { searchKeymap } from '@codemirror/search';
import { EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  placeholder as placeholderText,
} from '@codemirror/view';
import { useEffect, useRef } from 'react';
import styles from './code.module.css';
import { codeTheme } from './codeTheme.ts';
import { completeWith } from './complete.ts';
import type { CodeLanguage, Words } from './words.ts';

type Props = {
  value: string;
  language: CodeLanguage;
  label: string;
  placeholder: string | null;
  words: Words;
  height: { min: number; max: number | null };
  autoFocus: boolean;
  onChange: (text: string) => void;
  onBlur: () => void;
};

export function CodeMirror({
  value,
  language,
  label,
  placeholder,
  words,
  height,
  autoFocus,
  onChange,
  onBlur,
}: Props) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  // The editor outlives renders; it asks for what is current when it needs it.
  const latest = useRef({ value, words, onChange, onBlur });
  latest.current = { value, words, onChange, onBlur };

  useEffect(() => {
    if (!parent.current) return;
    const editor = new EditorView({
      parent: parent.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          languageExtensions(language),
          autocompletion({ override: [completeWith(() => latest.current.words)], icons: false }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            const text = update.state.doc.toString();
            // Text that was put in from outside is no typing.
            if (text !== latest.current.value) latest.current.onChange(text);
          }),
          EditorView.domEventHandlers({ blur: () => latest.current.onBlur() }),
          EditorView.contentAttributes.of({ 'aria-label': label }),
          placeholder ? placeholderText(placeholder) : [],
        ],
      }),
    });
    if (autoFocus) editor.focus();
    view.current = editor;
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, [language, label, placeholder, autoFocus]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const current = editor.state.doc.toString();
    if (current !== value) editor.dispatch({ changes: { from: 0, to: current.length, insert: value } });
  }, [value]);

  const sizes = {
    '--code-min': `${height.min}px`,
    '--code-max': height.max === null ? '70vh' : `${height.max}px`,
  };
  return (
    <div
      ref={parent}
      className={styles.editor}
      style={sizes as React.CSSProperties}
      data-language={language}
    />
  );
}

function languageExtensions(language: CodeLanguage): Extension {
  const common: Extension = [
    history(),
    drawSelection(),
    bracketMatching(),
    closeBrackets(),
    codeTheme,
    keymap.of([
      { key: 'Tab', run: acceptCompletion },
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...historyKeymap,
      ...completionKeymap,
      ...lintKeymap,
    ]),
  ];
  if (language === 'expression') return [common, javascript(), singleLine, syntaxLinter('expression')];
  const block: Extension = [
    common,
    lineNumbers(),
    indentOnInput(),
    highlightActiveLine(),
    EditorView.lineWrapping,
    keymap.of([...searchKeymap, indentWithTab]),
  ];
  if (language === 'handler') return [block, javascript({ typescript: true }), syntaxLinter('handler')];
  return [block, json(), linter(jsonParseLinter())];
}

/** An expression is one line: Enter does nothing, and pasted lines are joined. */
const singleLine: Extension = [
  EditorView.lineWrapping,
  EditorState.transactionFilter.of((transaction) => {
    if (!transaction.docChanged || transaction.newDoc.lines === 1) return transaction;
    const joined = transaction.newDoc.toString().replaceAll(/\s*\n\s*/g, ' ');
    return {
      changes: { from: 0, to: transaction.startState.doc.length, insert: joined },
      selection: { anchor: joined.length },
    };
  }),
];

const DIAGNOSTICS_MAX = 20;

/** Marks where the parser gave up. The sandbox compiles for real when a run starts; this is for the eye while typing. */
function syntaxLinter(language: 'handler' | 'expression'): Extension {
  return linter((view) => {
    const diagnostics: Diagnostic[] = [];
    syntaxTree(view.state).iterate({
      enter: (node) => {
        if (!node.type.isError || diagnostics.length >= DIAGNOSTICS_MAX) return;
        const from = Math.min(node.from, Math.max(0, view.state.doc.length - 1));
        diagnostics.push({
          from,
          to: Math.max(node.to, Math.min(from + 1, view.state.doc.length)),
          severity: 'error',
          message:
            language === 'expression' ? 'This is no JavaScript expression.' : 'The code does not parse here.',
        });
      },
    });
    return diagnostics;
  });
}
