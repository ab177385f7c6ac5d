import { ActionIcon, Button, Group, Loader, Tooltip } from '@mantine/core';
import { familyOf } from '@millrace/shared/flow/records/registry.ts';
import { Pause, Play, Square, StepForward } from 'lucide-react';
import { shortId } from '../live/format.ts';
import { useWatch } from '../live/watch.tsx';
import { FaultsRunning } from './faults/FaultsRunning.tsx';
import { NoticeList } from './NoticeList.tsx';
import { ApplyButton, ReplacementDialog } from './ReplacementDialog.tsx';
import classes from './RunControls.module.css';
import { RunList } from './RunList.tsx';
import { RunMeter } from './RunMeter.tsx';
import { refusals } from './runStatus.ts';
import { activeRun, useRunStore } from './runStore.ts';

/** Run, pause, step, stop, and what the shown run is doing. Lives in the top bar. */
export function RunControls() {
  const { host } = useWatch();
  const runs = useRunStore((state) => state.runs);
  const gate = useRunStore((state) => state.gate);
  const pending = useRunStore((state) => state.pending);
  const controller = useRunStore((state) => state.controller);
  const live = useRunStore((state) => state.live);
  const active = activeRun(runs);
  const refused = refusals(active, gate, pending);
  const paused = active?.status === 'paused';

  return (
    <Group gap={6} wrap="nowrap" role="toolbar" aria-label="Run" className={classes.controls}>
      {active === null ? (
        <MainButton
          label={pending === 'start' ? 'Starting…' : 'Run'}
          icon={<Play size={14} aria-hidden />}
          variant="filled"
          hint="Publish the drawing as a version and run it (Ctrl+Enter)"
          refusal={refused.start}
          isBusy={pending === 'start'}
          testId="run-start"
          // A flow with errors does not run, and the press leads to what is wrong with it.
          onRefused={gate.runnable ? undefined : () => host.openTab('problems')}
          onClick={() => void controller?.start({ paused: false })}
        />
      ) : paused ? (
        <MainButton
          label="Resume"
          icon={<Play size={14} aria-hidden />}
          variant="filled"
          hint="Go on handling messages (F8)"
          refusal={refused.resume}
          isBusy={pending === 'resume'}
          testId="run-resume"
          onClick={() => void controller?.resume()}
        />
      ) : (
        <MainButton
          label="Pause"
          icon={<Pause size={14} aria-hidden />}
          variant="default"
          hint="Hold every node; nothing is lost (F8)"
          refusal={refused.pause}
          isBusy={pending === 'pause'}
          testId="run-pause"
          onClick={() => void controller?.pause()}
        />
      )}
      <ControlButton
        label="Step"
        hint="Handle exactly one message (F10)"
        refusal={refused.step}
        loading={pending === 'step'}
        testId="run-step"
        onClick={() => void controller?.step()}
      >
        <StepForward size={15} aria-hidden />
      </ControlButton>
      <ControlButton
        label="Stop"
        hint="Stop producers, finish what is in flight, commit (Shift+F5)"
        refusal={refused.stop}
        loading={pending === 'stop' || active?.status === 'stopping'}
        testId="run-stop"
        onClick={() => void controller?.stop()}
      >
        <Square size={13} aria-hidden />
      </ControlButton>
      {active === null ? null : <ApplyButton refusal={refused.apply} />}
      <RunList />
      <NoticeList />
      <ReplacementDialog />
      <div className={classes.meter}>
        <RunMeter />
        <StepNote />
      </div>
      {live && <FaultsRunning live={live} />}
    </Group>
  );
}

type MainButtonProps = {
  label: string;
  icon: React.ReactNode;
  variant: 'filled' | 'default';
  hint: string;
  refusal: string | null;
  isBusy: boolean;
  testId: string;
  onClick: () => void;
  onRefused?: (() => void) | undefined;
};

/** Run, Pause and Resume take turns in one place of one width, so that the buttons beside it stay under the hand. */
function MainButton(props: MainButtonProps) {
  const { label, icon, variant, hint, refusal, isBusy, testId, onClick, onRefused } = props;
  return (
    <Tooltip label={refusal ?? hint} multiline maw={320}>
      <Button
        size="compact-sm"
        variant={variant}
        className={classes.main}
        leftSection={isBusy ? <Loader size={12} color="currentColor" aria-hidden /> : icon}
        data-disabled={refusal !== null || undefined}
        aria-disabled={refusal !== null}
        aria-busy={isBusy}
        data-testid={testId}
        onClick={() => {
          if (refusal === null) onClick();
          else onRefused?.();
        }}
      >
        {label}
      </Button>
    </Tooltip>
  );
}

type ControlButtonProps = {
  label: string;
  hint: string;
  refusal: string | null;
  loading: boolean;
  testId: string;
  onClick: () => void;
  children: React.ReactNode;
};

/** Stays focusable while it cannot be used, so that the reason can be read by mouse and keyboard. */
function ControlButton({ label, hint, refusal, loading, testId, onClick, children }: ControlButtonProps) {
  return (
    <Tooltip label={refusal ?? hint} multiline maw={320}>
      <ActionIcon
        variant="default"
        size={28}
        aria-label={label}
        aria-disabled={refusal !== null}
        data-disabled={refusal !== null || undefined}
        loading={loading}
        data-testid={testId}
        onClick={() => {
          if (refusal === null) onClick();
        }}
      >
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

/** What the last step did. */
function StepNote() {
  const step = useRunStore((state) => state.lastStep);
  const live = useRunStore((state) => state.live);
  const { host } = useWatch();
  if (!step) return null;
  if (step.nodeId === null) {
    return (
      <span className={classes.stepNote} role="status" data-testid="step-note">
        No message is waiting.
      </span>
    );
  }
  const { nodeId } = step;
  const kind = live?.graph?.nodes.get(nodeId)?.kind;
  // When no message waits, a step lets one producer make one.
  const did = kind !== undefined && familyOf(kind) === 'producer' ? 'made' : 'handled';
  return (
    <span className={classes.stepNote} role="status" data-testid="step-note">
      <button type="button" className={classes.link} onClick={() => host.showNode(nodeId)}>
        {live?.nodeName(nodeId) ?? nodeId}
      </button>{' '}
      {did} <code title={step.messageId ?? ''}>{shortId(step.messageId ?? '')}</code>
    </span>
  );
}
