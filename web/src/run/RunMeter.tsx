import { Tooltip } from '@mantine/core';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import { TriangleAlert } from 'lucide-react';
import { memo, useEffect, useState } from 'react';
import { exactNumber, formatElapsed, formatRate, plural } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { isActive } from '../live/liveRun.ts';
import { samplingOf, samplingSentence } from '../live/sampling.ts';
import { FIGURES_MS, useSignal } from '../live/useSignal.ts';
import classes from './RunControls.module.css';
import { elapsedMs, type StatusView, statusView } from './runStatus.ts';
import { useRunStore } from './runStore.ts';
import { StatusPill } from './StatusPill.tsx';

/** Status, time, rate and the small print of the shown run. */
export function RunMeter() {
  const live = useRunStore((state) => state.live);
  const problem = useRunStore((state) => state.problem);
  const isStarting = useRunStore((state) => state.pending === 'start');
  if (isStarting) {
    // Before the server has answered there is no run to ask, and the last one is no longer what people look for.
    return (
      <StatusPill tone="waiting" role="status" data-testid="run-status" data-status="created">
        Starting…
      </StatusPill>
    );
  }
  if (problem) {
    return (
      <Tooltip label={problem.message} multiline maw={360}>
        <StatusPill tone="bad" role="status" icon={<TriangleAlert size={12} aria-hidden />}>
          Run not readable
        </StatusPill>
      </Tooltip>
    );
  }
  return live ? <Meter live={live} /> : null;
}

function Meter({ live }: { live: LiveRun }) {
  useSignal(live.changed);
  const run = live.summary;
  if (!run) return null;
  return (
    <>
      <RunStatus live={live} run={run} />
      <Elapsed run={run} />
      {isActive(run.status) && run.status !== 'paused' ? <Rate live={live} /> : null}
      {run.durability === 'fsync' ? null : (
        <Tooltip
          label="Acknowledged does not mean on disk in this run: a power cut may lose the last moments."
          multiline
          maw={320}
        >
          <span className={classes.note} data-testid="run-durability">
            relaxed durability
          </span>
        </Tooltip>
      )}
      <Sampled live={live} />
      <LeftOut live={live} />
    </>
  );
}

function RunStatus({ live, run }: { live: LiveRun; run: RunSummary }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const { label, tone, reason } = statusView(run, live.metrics.latest);
  return <Status label={label} tone={tone} reason={reason} status={run.status} version={run.version} />;
}

type StatusProps = StatusView & { status: RunSummary['status']; version: number };

/** Rendered only when what it says changes, not with each snapshot. */
const Status = memo(function Status({ label, tone, reason, status, version }: StatusProps) {
  return (
    <Tooltip label={reason ?? `Run of version ${version}`} multiline maw={420}>
      <StatusPill
        tone={tone}
        role="status"
        aria-label={`Run: ${label}${reason ? `. ${reason}` : ''}`}
        data-testid="run-status"
        data-status={status}
      >
        {label}
        {tone === 'bad' && reason ? <span className={classes.reason}>{reason}</span> : null}
      </StatusPill>
    </Tooltip>
  );
});

function Elapsed({ run }: { run: RunSummary }) {
  const nowMs = useNow(isActive(run.status));
  const elapsed = elapsedMs(run, nowMs);
  if (elapsed === null) return null;
  return (
    <span className={classes.figure} title="Time since the run started" data-testid="run-elapsed">
      {formatElapsed(elapsed)}
    </span>
  );
}

function Rate({ live }: { live: LiveRun }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  return (
    <span
      className={classes.figure}
      title="Messages that producers append, mean of the last two seconds"
      data-testid="run-rate"
    >
      {formatRate(producedPerSecond(live))}
    </span>
  );
}

/** Says the ratio wherever the traces of the run are a sample (TR2). */
function Sampled({ live }: { live: LiveRun }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const sampling = samplingOf(live.metrics.latest?.trace);
  const sentence = sampling && samplingSentence(sampling);
  return sentence === null ? null : <SampledMark share={sampling?.share ?? 1} sentence={sentence} />;
}

const SampledMark = memo(function SampledMark({ share, sentence }: { share: number; sentence: string }) {
  return (
    <Tooltip label={sentence} multiline maw={360}>
      <span className={classes.note} data-testid="run-sampled">
        {share < 1 ? `1 of ${exactNumber(Math.round(1 / share))} traces` : 'traces sampled'}
      </span>
    </Tooltip>
  );
});

function LeftOut({ live }: { live: LiveRun }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const left = leftOut(live);
  return left === null ? null : <LeftOutMark sentence={left} />;
}

const LeftOutMark = memo(function LeftOutMark({ sentence }: { sentence: string }) {
  return (
    <Tooltip label={sentence} multiline maw={360}>
      <span className={classes.note} data-testid="run-left-out">
        <TriangleAlert size={12} aria-hidden /> trace incomplete
      </span>
    </Tooltip>
  );
});

function producedPerSecond(live: LiveRun): number {
  const now = performance.now();
  let sum = 0;
  for (const node of live.graph?.document.nodes ?? []) {
    if (live.graph?.incoming.has(node.id) || node.kind === 'topic') continue;
    sum += live.metrics.rate(node.id, 'out', now);
  }
  return sum;
}

/** Everything that the trace of this run, as this tab sees it, leaves out; null when nothing is missing. Rule TR3. */
function leftOut(live: LiveRun): string | null {
  const trace = live.metrics.latest?.trace;
  const parts: string[] = [];
  if (trace && trace.lost > 0) parts.push(`${plural(trace.lost, 'record')} lost by the trace store`);
  if (trace && trace.expired > 0) {
    parts.push(
      `${plural(trace.expired, 'old record')} dropped to make room (${exactNumber(trace.kept)} kept)`,
    );
  }
  if (live.tail.gap > 0)
    parts.push(`${plural(live.tail.gap, 'record')} gone while this tab was not connected`);
  if (live.tail.unreadableFrames > 0) parts.push(`${plural(live.tail.unreadableFrames, 'unreadable frame')}`);
  return parts.length === 0 ? null : `Counters are exact. Traces miss: ${parts.join('; ')}.`;
}

function useNow(ticking: boolean): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    if (!ticking) return;
    const tick = (): void => setNowMs(Date.now());
    tick();
    const timer = setInterval(tick, 1_000);
    return () => clearInterval(timer);
  }, [ticking]);
  return nowMs;
}
