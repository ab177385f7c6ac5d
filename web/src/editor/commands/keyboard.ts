import type { Command, CommandContext } from './command.ts';

const IS_MAC = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);

type Chord = { key: string; mod: boolean; shift: boolean; alt: boolean };

function parseShortcut(shortcut: string): Chord {
  const parts = shortcut.endsWith('++') ? [...shortcut.slice(0, -2).split('+'), '+'] : shortcut.split('+');
  const key = parts.at(-1) ?? '';
  const modifiers = new Set(parts.slice(0, -1).map((part) => part.toLowerCase()));
  return {
    key: key.toLowerCase(),
    mod: modifiers.has('mod'),
    shift: modifiers.has('shift'),
    alt: modifiers.has('alt'),
  };
}

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>;

export function matches(shortcut: string, event: Pressed): boolean {
  const chord = parseShortcut(shortcut);
  const mod = IS_MAC ? event.metaKey : event.ctrlKey;
  const otherMod = IS_MAC ? event.ctrlKey : event.metaKey;
  if (mod !== chord.mod || otherMod || event.altKey !== chord.alt) return false;
  const key = event.key.toLowerCase();
  // With Shift or Alt the key is what the layout makes of it (! or ¡); the code still names the digit or letter.
  const code = event.code.replace(/^(Key|Digit)/, '').toLowerCase();
  const isSymbol = /^[^a-z0-9]$/.test(chord.key);
  if (!isSymbol && event.shiftKey !== chord.shift) return false;
  return key === chord.key || code === chord.key;
}

/** True while keys belong to a text field, a menu or a dialog. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.closest(
      'input, textarea, select, [contenteditable="true"], .cm-editor, [role="dialog"], [role="menu"]',
    ) !== null
  );
}

/** Commands that make sense while a text field has the focus. */
const EVEN_WHILE_TYPING = new Set([
  'export',
  'import',
  'run-start',
  'run-start-paused',
  'run-pause',
  'run-resume',
  'run-step',
  'run-stop',
]);

export function commandFor(
  commands: readonly Command[],
  event: KeyboardEvent,
  context: CommandContext,
): Command | null {
  const typing = isTyping(event.target);
  for (const command of commands) {
    if (command.viaClipboard || !command.shortcuts?.some((shortcut) => matches(shortcut, event))) continue;
    if (typing && !EVEN_WHILE_TYPING.has(command.id)) continue;
    if (command.canRun(context)) return command;
  }
  return null;
}

const SYMBOLS: Readonly<Record<string, string>> = IS_MAC
  ? { mod: '⌘', shift: '⇧', alt: '⌥', enter: '↩', delete: '⌦', backspace: '⌫' }
  : { mod: 'Ctrl', shift: 'Shift', alt: 'Alt', enter: 'Enter', delete: 'Del', backspace: 'Backspace' };

export function shortcutLabel(shortcut: string): string {
  const parts = shortcut.endsWith('++') ? [...shortcut.slice(0, -2).split('+'), '+'] : shortcut.split('+');
  return parts.map((part) => SYMBOLS[part.toLowerCase()] ?? part).join(IS_MAC ? '' : '+');
}
