import { Button } from '@mantine/core';
import type { ActiveFault } from '@millrace/shared/faults/fault.ts';
import { HeartPulse, Zap } from 'lucide-react';
import type { ReactNode } from 'react';
import { faultText, firedText } from '../../live/faults.ts';
import { formatElapsed } from '../../live/format.ts';
import styles from '../operate.module.css';

type Props = {
  fault: ActiveFault;
  /** By the server's clock, as the fault's own times are. */
  nowMs: number;
  where?: ReactNode;
  isHealing: boolean;
  onHeal: () => void;
};

/** One fault that is on: what, where, since when, what it has done, and the way out of it. */
export function FaultLine({ fault, nowMs, where, isHealing, onHeal }: Props) {
  const text = faultText(fault.spec);
  const left = fault.endsMs === null ? null : Math.max(0, fault.endsMs - nowMs);
  return (
    <li
      className={styles.fault}
      data-testid="active-fault"
      data-kind={fault.spec.kind}
      data-fired={fault.fired}
    >
      <Zap size={13} aria-hidden className={styles.bolt} />
      <div className={styles.faultText}>
        <b>{text}</b>
        {where}
        <span className={styles.soft}>
          <span data-unfired={fault.fired === 0 || undefined}>{firedText(fault)}</span>
          {` · on for ${formatElapsed(nowMs - fault.startedMs)}`}
          {left === null ? ', until healed' : `, heals itself in ${formatElapsed(left)}`}
        </span>
      </div>
      <Button
        variant="default"
        size="compact-xs"
        leftSection={<HeartPulse size={12} aria-hidden />}
        loading={isHealing}
        onClick={onHeal}
        aria-label={`Heal: ${text}`}
        data-testid="heal-fault"
      >
        Heal
      </Button>
    </li>
  );
}
