import type { FaultKind } from '@millrace/shared/faults/fault.ts';
import { faultsAt } from '../../live/faults.ts';
import { plural } from '../../live/format.ts';
import type { LiveRun } from '../../live/liveRun.ts';
import { FIGURES_MS, useSignal } from '../../live/useSignal.ts';
import { FoldSection } from '../../ui/FoldSection.tsx';
import styles from '../operate.module.css';
import { useAsking, useOperator } from '../operator.ts';
import { toggleRunSection, useRunSections } from '../runSections.ts';
import { FaultForm } from './FaultForm.tsx';
import { FaultLine } from './FaultLine.tsx';

type Props = { live: LiveRun; recordId: string; kinds: readonly FaultKind[] };

/** Faults of one node or edge: those that are on, and a form for the next. */
export function FaultSection({ live, recordId, kinds }: Props) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const opened = useRunSections((state) => state.open.faults);
  const operator = useOperator(live.runId);
  const asking = useAsking();
  const snapshot = live.metrics.latest;
  const faults = faultsAt(snapshot, recordId);
  return (
    <FoldSection
      title="Faults"
      gist={faults.length === 0 ? 'none injected' : `${plural(faults.length, 'fault')} on`}
      opened={opened}
      onToggle={() => toggleRunSection('faults')}
      testId="section-faults"
    >
      {faults.length > 0 && (
        <ul className={styles.list} aria-label="Faults that are on here">
          {faults.map((fault) => (
            <FaultLine
              key={fault.id}
              fault={fault}
              nowMs={snapshot?.timeMs ?? fault.startedMs}
              isHealing={asking.pending === fault.id}
              onHeal={() => void asking.ask(fault.id, () => operator.healFault(fault.id))}
            />
          ))}
        </ul>
      )}
      <FaultForm
        recordId={recordId}
        kinds={kinds}
        instances={snapshot?.groups[recordId]?.instances.length ?? 1}
        partitions={partitionsOf(live, recordId)}
        operator={operator}
        asking={asking}
      />
    </FoldSection>
  );
}

/** Of a topic its own; of a consumer those of the widest topic that it reads. */
function partitionsOf(live: LiveRun, recordId: string): number {
  const { graph, metrics } = live;
  const topicIds = graph?.nodes.get(recordId)?.kind === 'topic' ? [recordId] : readTopics(live, recordId);
  return Math.max(1, ...topicIds.map((topicId) => metrics.latest?.topics[topicId]?.end.length ?? 1));
}

function readTopics({ graph }: LiveRun, nodeId: string): string[] {
  return (graph?.incoming.get(nodeId) ?? []).map(({ source }) => source);
}
