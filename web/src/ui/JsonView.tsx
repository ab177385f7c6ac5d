import { useMemo } from 'react';
import classes from './JsonView.module.css';
import { prettyTokens } from './jsonTokens.ts';

/** Beyond this many pieces a page of spans gets slow; the rest is plain text. */
const COLOURED_TOKENS_MAX = 4_000;

/** JSON text, indented and coloured. */
export function JsonView({ text, label }: { text: string; label: string }) {
  const tokens = useMemo(() => prettyTokens(text), [text]);
  const coloured = tokens.slice(0, COLOURED_TOKENS_MAX);
  const rest = tokens.slice(COLOURED_TOKENS_MAX);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard.
    <section className={classes.json} aria-label={label} tabIndex={0} data-testid="json">
      {coloured.map((token, index) =>
        token.kind === 'space' || token.kind === 'punctuation' ? (
          token.text
        ) : (
          <span key={index} data-kind={token.kind}>
            {token.text}
          </span>
        ),
      )}
      {rest.map((token) => token.text).join('')}
    </section>
  );
}
