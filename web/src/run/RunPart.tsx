import { backlogSentence, fillTone, fullnessOf, shareOf } from '../live/backlog.ts';
import { formatShare } from '../live/faults.ts';
import { exactNumber, formatBytesOf } from '../live/format.ts';
import { isActive, type LiveRun } from '../live/liveRun.ts';
import { FIGURES_MS, useSignal } from '../live/useSignal.ts';
import { useLiveRun } from '../live/watch.tsx';
import { FoldSection } from '../ui/FoldSection.tsx';
import { FaultSection } from './faults/FaultSection.tsx';
import { kindsAt, placeOf } from './faults/faultModel.ts';
import { GroupSection } from './groups/GroupSection.tsx';
import styles from './operate.module.css';
import { toggleRunSection, useRunSections } from './runSections.ts';

/** What the watched run says of the selected node or edge, and what can be done to it there. Nothing without a run. */
export function RunPart({ recordId }: { recordId: string }) {
  const { live, graph } = useLiveRun();
  if (!live || !graph || !isActive(live.status)) return null;
  const place = placeOf(graph, recordId);
  if (place === null) return null;
  return (
    <div className={styles.parts} data-testid="run-part">
      {place === 'edge-from-topic' && <BacklogSection live={live} edgeId={recordId} />}
      {place === 'consumer' && <GroupSection live={live} nodeId={recordId} />}
      <FaultSection live={live} recordId={recordId} kinds={kindsAt(place)} />
    </div>
  );
}

/** How full an edge is (TP6), in numbers. */
function BacklogSection({ live, edgeId }: { live: LiveRun; edgeId: string }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const opened = useRunSections((state) => state.open.backlog);
  const progress = live.metrics.latest?.subscriptions[edgeId];
  if (!progress) return null;
  const { backlog, backlogMax, backlogBytes, backlogBytesMax } = progress;
  return (
    <FoldSection
      title="Waiting"
      gist={formatShare(fullnessOf(progress))}
      opened={opened}
      onToggle={() => toggleRunSection('backlog')}
      testId="section-backlog"
    >
      <div className={styles.fills} data-testid="backlog" title={backlogSentence(progress)}>
        <Fill
          label="Messages"
          share={shareOf(progress, 'messages')}
          text={`${exactNumber(backlog)} of ${exactNumber(backlogMax)}`}
        />
        <Fill
          label="Bytes"
          share={shareOf(progress, 'bytes')}
          text={formatBytesOf(backlogBytes, backlogBytesMax)}
        />
      </div>
      <p className={styles.soft}>
        When either is full, whoever writes to the topic waits, drops or fails, as each producer is set.
      </p>
    </FoldSection>
  );
}

function Fill({ label, share, text }: { label: string; share: number; text: string }) {
  const percent = Math.min(100, share * 100);
  return (
    <div className={styles.fill} data-tone={fillTone(share)}>
      <span>{label}</span>
      <span
        className={styles.fillTrack}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(percent)}
        aria-valuetext={text}
      >
        <span style={{ width: `${percent}%` }} />
      </span>
      <span className={styles.fillText}>{text}</span>
    </div>
  );
}
