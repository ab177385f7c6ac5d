import type { TraceKind } from '@millrace/shared/trace/record.ts';
import type { SpanEvent } from '@millrace/shared/trace/spans.ts';
import {
  CircleSlash,
  CopyX,
  Flag,
  type LucideIcon,
  Shuffle,
  SkipForward,
  TimerOff,
  Undo2,
  Zap,
} from 'lucide-react';
import { exactNumber } from '../live/format.ts';
import { classes } from './styles.ts';

/** What can befall a step besides its end, as people say it. */
const MARKS: Partial<Record<TraceKind, { icon: LucideIcon; label: string }>> = {
  deduplicated: { icon: CopyX, label: 'duplicate passed over' },
  'fault-injected': { icon: Zap, label: 'fault injected' },
  rebalanced: { icon: Shuffle, label: 'partitions dealt out again' },
  redriven: { icon: Undo2, label: 'sent back from the dead letters' },
  flagged: { icon: Flag, label: 'does not fit the schema' },
  expired: { icon: TimerOff, label: 'deleted before it was read' },
  dropped: { icon: CircleSlash, label: 'left out' },
  skipped: { icon: SkipForward, label: 'given up on and skipped' },
};

export function eventLabel(kind: TraceKind): string {
  return MARKS[kind]?.label ?? kind;
}

/** In the list of traces: that what befell this one was done on purpose. */
export function FaultMark({ count }: { count: number }) {
  if (count === 0) return null;
  const text = count === 1 ? 'A fault was injected' : `Faults were injected ${exactNumber(count)} times`;
  return (
    <span className={classes.eventMark} data-event="fault-injected" title={text} role="img" aria-label={text}>
      <Zap size={11} aria-hidden />
    </span>
  );
}

/** One sign for each kind of thing that befell a step. */
export function EventMarks({ events }: { events: readonly SpanEvent[] }) {
  const kinds = [...new Set(events.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const mark = MARKS[kind];
    if (!mark) return null;
    const { icon: Icon, label } = mark;
    const details = events.flatMap((event) => (event.kind === kind && event.detail ? [event.detail] : []));
    const text = details.length === 0 ? label : `${label}: ${details.join('; ')}`;
    return (
      <span
        key={kind}
        className={classes.eventMark}
        data-event={kind}
        title={text}
        role="img"
        aria-label={text}
      >
        <Icon size={11} aria-hidden />
      </span>
    );
  });
}
