import { Button } from '@mantine/core';
import type { RedriveProgress } from '@millrace/shared/deadLetters/redrive.ts';
import { Play, X } from 'lucide-react';
import { exactNumber, formatClock } from '../../live/format.ts';
import { isActive, type LiveRun } from '../../live/liveRun.ts';
import { FIGURES_MS, useSignal } from '../../live/useSignal.ts';
import styles from '../operate.module.css';
import { type RunOperator, useAsking } from '../operator.ts';
import { Problem } from '../Problem.tsx';
import panel from './deadLetters.module.css';
import { outcomes } from './redrivePlan.ts';

const STATUS_WORDS: Record<RedriveProgress['status'], string> = {
  running: 'sending back',
  cancelled: 'cancelled',
  done: 'done',
};

/** The redrives of this run, newest first, with the way to stop one and to go on with it. */
export function RedriveJobs({ live, operator }: { live: LiveRun; operator: RunOperator }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const asking = useAsking();
  const jobs = [...(live.metrics.latest?.redrives ?? [])].sort((a, b) => b.startedMs - a.startedMs);
  if (jobs.length === 0) return null;
  return (
    <section className={panel.box} aria-label="Redrives" data-testid="redrive-jobs">
      <h3>Redrives</h3>
      <Problem text={asking.problem} />
      <ul className={panel.jobs}>
        {jobs.map((job) => (
          <Job
            key={job.id}
            job={job}
            topicNames={job.topicIds.map((topicId) => live.nodeName(topicId)).join(', ')}
            canChange={isActive(live.status)}
            isBusy={asking.pending === job.id}
            onCancel={() => void asking.ask(job.id, () => operator.cancelRedrive(job.id))}
            onResume={() => void asking.ask(job.id, () => operator.resumeRedrive(job.id))}
          />
        ))}
      </ul>
    </section>
  );
}

type JobProps = {
  job: RedriveProgress;
  topicNames: string;
  canChange: boolean;
  isBusy: boolean;
  onCancel: () => void;
  onResume: () => void;
};

function Job({ job, topicNames, canChange, isBusy, onCancel, onResume }: JobProps) {
  const { status, counts, total } = job;
  const share = total === 0 ? 1 : Math.min(1, counts.looked / total);
  const text = outcomes(counts, false)
    .map((outcome) => `${exactNumber(outcome.count)} ${outcome.text}`)
    .join(', ');
  return (
    <li data-testid="redrive-job" data-status={status} data-redriven={counts.redriven}>
      <div className={panel.jobHead}>
        <b title={topicNames}>{topicNames}</b>
        <span className={styles.soft}>
          {formatClock(job.startedMs).slice(0, 8)}, {STATUS_WORDS[status]}
        </span>
        <span className={styles.grow} />
        {canChange && status === 'running' && (
          <Button
            variant="default"
            size="compact-xs"
            leftSection={<X size={12} aria-hidden />}
            loading={isBusy}
            onClick={onCancel}
            aria-label={`Cancel the redrive of ${topicNames}`}
            data-testid="cancel-redrive"
          >
            Cancel
          </Button>
        )}
        {canChange && status === 'cancelled' && (
          <Button
            variant="default"
            size="compact-xs"
            leftSection={<Play size={12} aria-hidden />}
            loading={isBusy}
            onClick={onResume}
            aria-label={`Go on with the redrive of ${topicNames}`}
            data-testid="resume-redrive"
          >
            Go on
          </Button>
        )}
      </div>
      <span
        className={styles.fillTrack}
        role="progressbar"
        aria-label={`Redrive of ${topicNames}`}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={counts.looked}
        data-status={status}
      >
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span className={styles.soft}>
        {exactNumber(counts.looked)} of {exactNumber(total)} looked at: {text}
      </span>
    </li>
  );
}
