import { ActionIcon, Popover, Tooltip } from '@mantine/core';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import { History, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { compactNumber, exactNumber, formatDateTime, formatElapsed } from '../live/format.ts';
import { isActive } from '../live/liveRun.ts';
import classes from './RunControls.module.css';
import { elapsedMs, statusView } from './runStatus.ts';
import { shownRunId, useRunStore } from './runStore.ts';

/** The runs of this flow: choose one to look at it again. */
export function RunList() {
  const [opened, setOpened] = useState(false);
  const runs = useRunStore((state) => state.runs);
  const shown = useRunStore(shownRunId);
  const controller = useRunStore((state) => state.controller);
  const pending = useRunStore((state) => state.pending);

  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={480}
      shadow="md"
      withinPortal
      trapFocus
    >
      <Popover.Target>
        <Tooltip label="Runs of this flow" disabled={opened}>
          <ActionIcon
            variant="default"
            size={28}
            aria-label={`Runs of this flow: ${runs.length}`}
            aria-expanded={opened}
            data-testid="run-list-toggle"
            onClick={() => setOpened(!opened)}
          >
            <History size={15} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown p={0}>
        {runs.length === 0 ? (
          <p className={classes.empty}>
            This flow has not run yet. Press Run: each run is kept here, with its messages and traces.
          </p>
        ) : (
          <ul className={classes.runs} aria-label="Runs of this flow, newest first">
            {runs.map((run) => (
              <RunLine
                key={run.id}
                run={run}
                shown={run.id === shown}
                busy={pending !== null}
                onPick={() => {
                  controller?.pick(run.id);
                  setOpened(false);
                }}
                onRemove={() => void controller?.remove(run.id)}
              />
            ))}
          </ul>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

type RunLineProps = {
  run: RunSummary;
  shown: boolean;
  busy: boolean;
  onPick: () => void;
  onRemove: () => void;
};

function RunLine({ run, shown, busy, onPick, onRemove }: RunLineProps) {
  const [asking, setAsking] = useState(false);
  const status = statusView(run, null);
  const elapsed = elapsedMs(run, Date.now());
  const handled = Object.values(run.counters).reduce((sum, counters) => sum + counters.out, 0);
  const when = formatDateTime(run.createdMs);
  return (
    <li data-shown={shown || undefined}>
      <button
        type="button"
        className={classes.runLine}
        aria-current={shown ? 'true' : undefined}
        data-testid="run-line"
        data-run-id={run.id}
        onClick={onPick}
      >
        <span className={classes.pill} data-tone={status.tone}>
          <span className={classes.dot} aria-hidden />
          {status.label}
        </span>
        <span className={classes.when}>{when}</span>
        <span className={classes.dim}>v{run.version}</span>
        <span className={classes.dim}>{elapsed === null ? '' : formatElapsed(elapsed)}</span>
        <span className={classes.dim} title={`${exactNumber(handled)} messages sent on by all nodes`}>
          {compactNumber(handled)} msg
        </span>
      </button>
      {asking ? (
        <button
          type="button"
          className={classes.confirm}
          disabled={busy}
          onClick={onRemove}
          onBlur={() => setAsking(false)}
        >
          Delete with its data?
        </button>
      ) : (
        <Tooltip
          label={
            isActive(run.status)
              ? 'Stop the run before deleting it'
              : 'Delete this run, its messages and traces'
          }
        >
          <ActionIcon
            variant="subtle"
            size={24}
            color="gray"
            aria-label={`Delete the run of ${when}`}
            aria-disabled={isActive(run.status)}
            data-disabled={isActive(run.status) || undefined}
            onClick={() => {
              if (!isActive(run.status)) setAsking(true);
            }}
          >
            <Trash2 size={13} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
    </li>
  );
}
