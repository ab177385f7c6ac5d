import { ActionIcon, Button, Group, Tooltip } from '@mantine/core';
import { Pause, Play, Square, StepForward } from 'lucide-react';
import { shortId } from '../live/format.ts';
import { useWatch } from '../live/watch.tsx';
import { NoticeList } from './NoticeList.tsx';
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
  const active = activeRun(runs);
  const refused = refusals(active, gate, pending);
  const paused = active?.status === 'paused';

  return (
    <Group gap={6} wrap="nowrap" role="toolbar" aria-label="Run" className={classes.controls}>
      {active === null ? (
        <Tooltip
          label={refused.start ?? 'Publish the drawing as a version and run it (Ctrl+Enter)'}
          multiline
          maw={320}
        >
          <Button
            size="compact-sm"
            leftSection={<Play size={14} aria-hidden />}
            loading={pending === 'start'}
            data-disabled={refused.start !== null || undefined}
            aria-disabled={refused.start !== null}
            data-testid="run-start"
            onClick={() => {
              if (!gate.runnable) host.openTab('problems');
              else if (refused.start === null) void controller?.start({ paused: false });
            }}
          >
            Run
          </Button>
        </Tooltip>
      ) : paused ? (
        <ControlButton
          label="Resume"
          hint="Go on handling messages (F8)"
          refusal={refused.resume}
          loading={pending === 'resume'}
          testId="run-resume"
          onClick={() => void controller?.resume()}
        >
          <Play size={15} aria-hidden />
        </ControlButton>
      ) : (
        <ControlButton
          label="Pause"
          hint="Hold every node; nothing is lost (F8)"
          refusal={refused.pause}
          loading={pending === 'pause'}
          testId="run-pause"
          onClick={() => void controller?.pause()}
        >
          <Pause size={15} aria-hidden />
        </ControlButton>
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
      <StepNote />
      <RunMeter />
      <NoticeList />
      <RunList />
    </Group>
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
  return (
    <span className={classes.stepNote} role="status" data-testid="step-note">
      <button type="button" className={classes.link} onClick={() => host.showNode(nodeId)}>
        {live?.nodeName(nodeId) ?? nodeId}
      </button>{' '}
      handled <code title={step.messageId ?? ''}>{shortId(step.messageId ?? '')}</code>
    </span>
  );
}
