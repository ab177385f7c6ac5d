import type { ComponentPropsWithRef, ReactNode } from 'react';
import type { StatusView } from './runStatus.ts';
import classes from './StatusPill.module.css';

type Props = ComponentPropsWithRef<'span'> & {
  tone: StatusView['tone'];
  /** Instead of the dot. */
  icon?: ReactNode;
};

/** What a run is doing, in a word. Tone and shape say it, too, so that colour is never all there is. */
export function StatusPill({ tone, icon, children, ...rest }: Props) {
  return (
    <span {...rest} className={classes.pill} data-tone={tone}>
      {icon ?? <span className={classes.dot} aria-hidden />}
      {children}
    </span>
  );
}
