import { Badge } from '@mantine/core';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { memo } from 'react';
import { useEditorValue } from '../editor/binding/EditorProvider.tsx';
import type { CommandContext } from '../editor/commands/command.ts';
import { problemsOf } from '../editor/problems/problems.ts';
import { compactNumber, exactNumber, plural } from '../live/format.ts';
import { isActive } from '../live/liveRun.ts';
import { FIGURES_MS, useSignal } from '../live/useSignal.ts';
import { waitingLetters } from '../live/waitingLetters.ts';
import { useLiveRun } from '../live/watch.tsx';
import styles from './dockCounts.module.css';

type Props = { count: number; severity: 'error' | 'warning' | 'fault'; label: string; testId: string };

/** Rendered only when it changes, not with each snapshot. */
const Count = memo(function Count({ count, severity, label, testId }: Props) {
  if (count === 0) return null;
  return (
    <Badge
      size="xs"
      className={styles.count}
      data-severity={severity}
      data-testid={testId}
      aria-label={label}
    >
      {compactNumber(count)}
    </Badge>
  );
});

export function ProblemCount({ context }: { context: CommandContext }) {
  const graph = useEditorValue((editor) => editor.graph);
  const { errors, warnings } = problemsOf(graph, context.random);
  return (
    <Count
      count={errors + warnings}
      severity={errors > 0 ? 'error' : 'warning'}
      label={`${errors} errors, ${warnings} warnings`}
      testId="problem-count"
    />
  );
}

export function DeadLetterCount() {
  const waiting = useFromMetrics((snapshot) => waitingLetters(snapshot).waiting);
  const sentBack = useFromMetrics((snapshot) => waitingLetters(snapshot).sentBack);
  return (
    <Count
      count={waiting}
      severity="error"
      label={`${plural(waiting, 'dead letter')} waiting, ${exactNumber(sentBack)} sent back`}
      testId="dead-letter-count"
    />
  );
}

export function FaultCount() {
  const { live } = useLiveRun();
  const count = useFromMetrics(({ faults }) => faults.length);
  return (
    <Count
      count={isActive(live?.status ?? null) ? count : 0}
      severity="fault"
      label={`${plural(count, 'fault')} on`}
      testId="fault-count"
    />
  );
}

function useFromMetrics(
  read: (snapshot: Pick<MetricsSnapshot, 'nodes' | 'faults' | 'deadLetters'>) => number,
): number {
  const { live } = useLiveRun();
  useSignal(live?.metrics.changed ?? null, FIGURES_MS);
  const latest = live?.metrics.latest;
  if (latest) return read(latest);
  return read({ nodes: live?.summary?.counters ?? {}, faults: [], deadLetters: {} });
}
