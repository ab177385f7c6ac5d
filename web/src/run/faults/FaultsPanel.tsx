import { Button } from '@mantine/core';
import type { ActiveFault } from '@millrace/shared/faults/fault.ts';
import { Crosshair, HeartPulse } from 'lucide-react';
import { plural } from '../../live/format.ts';
import { isActive, type LiveRun } from '../../live/liveRun.ts';
import { FIGURES_MS, useSignal } from '../../live/useSignal.ts';
import { useLiveRun, useWatch, type WatchHost } from '../../live/watch.tsx';
import styles from '../operate.module.css';
import { useAsking, useOperator } from '../operator.ts';
import { Problem } from '../Problem.tsx';
import { FaultLine } from './FaultLine.tsx';

/** The dock's tab of everything that is broken on purpose in this run. */
export function FaultsPanel() {
  const { live } = useLiveRun();
  if (!live || !isActive(live.status)) {
    return (
      <p className={styles.empty} data-testid="faults-empty">
        Press <b>Run</b>, then break something on purpose: select a node or a connection and open{' '}
        <b>Faults</b> in the inspector, or its context menu. Crash an instance, lose acknowledgements, delay
        or mangle messages, and see whether the flow holds.
      </p>
    );
  }
  return <Faults live={live} key={live.runId} />;
}

function Faults({ live }: { live: LiveRun }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const { host } = useWatch();
  const operator = useOperator(live.runId);
  const asking = useAsking();
  const snapshot = live.metrics.latest;
  const faults = snapshot?.faults ?? [];
  if (!snapshot || faults.length === 0) {
    return (
      <p className={styles.empty} data-testid="faults-empty">
        Nothing is broken on purpose. Select a node or a connection and choose a fault under <b>Faults</b> in
        the inspector, in its context menu, or with the command palette. It stays on, also when the run’s
        process is started again, until it is healed or its time is over.
      </p>
    );
  }
  const unfired = faults.filter(({ fired }) => fired === 0).length;
  return (
    <section className={styles.panel} aria-label="Faults that are on" data-testid="faults-panel">
      <div className={styles.bar}>
        <span>
          <b>{plural(faults.length, 'fault')} on.</b>{' '}
          {unfired > 0 && (
            <span className={styles.soft}>
              {unfired === 1 ? 'One has' : `${unfired} have`} not fired yet: what has not fired has tested
              nothing.
            </span>
          )}
        </span>
        <span className={styles.grow} />
        <Button
          variant="default"
          leftSection={<HeartPulse size={13} aria-hidden />}
          loading={asking.pending === 'all'}
          onClick={() => void asking.ask('all', () => operator.healFault(null))}
          data-testid="panel-heal-all"
        >
          Heal all
        </Button>
      </div>
      <Problem text={asking.problem} />
      <ul className={styles.list}>
        {faults.map((fault) => (
          <FaultLine
            key={fault.id}
            fault={fault}
            nowMs={snapshot.timeMs}
            where={<Where live={live} fault={fault} host={host} />}
            isHealing={asking.pending === fault.id}
            onHeal={() => void asking.ask(fault.id, () => operator.healFault(fault.id))}
          />
        ))}
      </ul>
    </section>
  );
}

type WhereProps = { live: LiveRun; fault: ActiveFault; host: WatchHost };

function Where({ live, fault, host }: WhereProps) {
  const { nodeId, edgeId } = fault.spec.target;
  const edge = live.graph?.document.edges.find(({ id }) => id === edgeId);
  const name = edge
    ? `${live.nodeName(edge.source)} → ${live.nodeName(edge.target)}`
    : live.nodeName(nodeId ?? '');
  const show = (): void => {
    if (edgeId !== undefined) host.showEdge(edgeId);
    else if (nodeId !== undefined) host.showNode(nodeId);
  };
  return (
    <button type="button" className={styles.link} onClick={show}>
      <Crosshair size={11} aria-hidden /> {name}
    </button>
  );
}
