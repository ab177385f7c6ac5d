import { Button, Tooltip } from '@mantine/core';
import { FAULT_TITLES } from '@millrace/shared/faults/fault.ts';
import { HeartPulse, Zap } from 'lucide-react';
import { memo } from 'react';
import { isActive, type LiveRun } from '../../live/liveRun.ts';
import { FIGURES_MS, useSignal } from '../../live/useSignal.ts';
import { useWatch } from '../../live/watch.tsx';
import styles from '../operate.module.css';
import { useAsking, useOperator } from '../operator.ts';

/** In the run bar while anything is broken on purpose: how much, and one press to end all of it. */
export function FaultsRunning({ live }: { live: LiveRun }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  useSignal(live.changed);
  const faults = live.metrics.latest?.faults ?? [];
  if (faults.length === 0 || !isActive(live.status)) return null;
  const kinds = [...new Set(faults.map(({ spec }) => FAULT_TITLES[spec.kind]))].join(', ');
  return <Running runId={live.runId} count={faults.length} kinds={kinds} />;
}

type Props = { runId: string; count: number; kinds: string };

/** Rendered only when what it says changes, not with each snapshot. */
const Running = memo(function Running({ runId, count, kinds }: Props) {
  const { host } = useWatch();
  const operator = useOperator(runId);
  const asking = useAsking();
  const hint = asking.problem ?? `On now: ${kinds}. Press to heal ${count === 1 ? 'it' : 'all of them'}.`;
  return (
    <span className={styles.running} data-testid="faults-running" data-count={count}>
      <button
        type="button"
        className={styles.runningCount}
        aria-label={`${count === 1 ? 'One fault is' : `${count} faults are`} on: show the list`}
        onClick={() => host.openTab('faults')}
      >
        <Zap size={13} aria-hidden /> {count}
      </button>
      <Tooltip label={hint} multiline maw={320}>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<HeartPulse size={13} aria-hidden />}
          loading={asking.pending !== null}
          onClick={() => void asking.ask('heal', () => operator.healFault(null))}
          aria-label="Heal all faults"
          className={styles.healAll}
          data-testid="heal-all"
        >
          <span className={styles.wide}>Heal all</span>
        </Button>
      </Tooltip>
    </span>
  );
});
