import { ActionIcon, Checkbox, Popover, TextInput, Tooltip } from '@mantine/core';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';
import { GitFork, History, Search, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { compactNumber, exactNumber, formatDateTime, formatElapsed } from '../live/format.ts';
import { isActive } from '../live/liveRun.ts';
import { RunComparison } from './RunComparison.tsx';
import classes from './RunList.module.css';
import { elapsedMs, statusView } from './runStatus.ts';
import { shownRunId, useRunStore } from './runStore.ts';
import { StatusPill } from './StatusPill.tsx';

/** The runs of this flow: find one, look at it again, put two side by side. */
export function RunList() {
  const opened = useRunStore((state) => state.listOpened);
  const count = useRunStore((state) => state.runs.length);
  const setOpened = (listOpened: boolean): void => useRunStore.setState({ listOpened });
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={560}
      shadow="md"
      withinPortal
      trapFocus
    >
      <Popover.Target>
        <Tooltip label="Runs of this flow" disabled={opened}>
          <ActionIcon
            variant="default"
            size={28}
            aria-label={`Runs of this flow: ${count}`}
            aria-expanded={opened}
            data-testid="run-list-toggle"
            onClick={() => setOpened(!opened)}
          >
            <History size={15} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown p={0}>
        {count === 0 ? (
          <p className={classes.empty}>
            This flow has not run yet. Press Run: each run is kept here, with its messages and traces.
          </p>
        ) : (
          <Runs onDone={() => setOpened(false)} />
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function Runs({ onDone }: { onDone: () => void }) {
  const runs = useRunStore((state) => state.runs);
  const found = useRunStore((state) => state.found);
  const live = useRunStore((state) => state.live);
  const shown = useRunStore(shownRunId);
  const controller = useRunStore((state) => state.controller);
  const pending = useRunStore((state) => state.pending);
  const [text, setText] = useState('');
  /** The two last chosen; a third takes the place of the first. */
  const [compared, setCompared] = useState<readonly string[]>([]);
  // The list opens with all runs, whatever was searched for when it closed.
  useEffect(() => () => void controller?.search(''), [controller]);
  const listed = found === null ? runs : runs.filter((run) => found.includes(run.id));
  const chosen = compared.flatMap((id) => runs.find((run) => run.id === id) ?? []);
  const [first, second] = chosen;
  const pick = (runId: string): void => {
    controller?.pick(runId);
    onDone();
  };
  return (
    <>
      <div className={classes.head}>
        <TextInput
          value={text}
          placeholder="Status, id or error"
          aria-label="Search the runs of this flow"
          leftSection={<Search size={13} aria-hidden />}
          className={classes.search}
          data-testid="run-search"
          data-autofocus
          onChange={({ currentTarget }) => {
            setText(currentTarget.value);
            void controller?.search(currentTarget.value);
          }}
        />
        <span className={classes.hint}>
          {second ? '' : first ? 'Choose another one to compare' : 'Choose two to compare'}
        </span>
      </div>
      {listed.length === 0 ? (
        <p className={classes.empty}>No run of this flow fits “{text}”.</p>
      ) : (
        <ul className={classes.runs} aria-label="Runs of this flow, newest first">
          {listed.map((run) => (
            <RunLine
              key={run.id}
              run={run}
              shown={run.id === shown}
              busy={pending !== null}
              compared={compared.includes(run.id)}
              hasOrigin={runs.some(({ id }) => id === run.forkedFrom?.runId)}
              onCompare={(on) =>
                setCompared((before) =>
                  [...before.filter((id) => id !== run.id), ...(on ? [run.id] : [])].slice(-2),
                )
              }
              onPick={pick}
              onRemove={() => void controller?.remove(run.id)}
            />
          ))}
        </ul>
      )}
      {first && second ? <RunComparison runs={[first, second]} live={live} /> : null}
    </>
  );
}

type RunLineProps = {
  run: RunSummary;
  shown: boolean;
  busy: boolean;
  compared: boolean;
  /** The run it handles again is still kept. */
  hasOrigin: boolean;
  onCompare: (on: boolean) => void;
  onPick: (runId: string) => void;
  onRemove: () => void;
};

function RunLine({ run, shown, busy, compared, hasOrigin, onCompare, onPick, onRemove }: RunLineProps) {
  const [asking, setAsking] = useState(false);
  const status = statusView(run, null);
  const elapsed = elapsedMs(run, Date.now());
  const handled = Object.values(run.counters).reduce((sum, counters) => sum + counters.out, 0);
  const when = formatDateTime(run.createdMs);
  return (
    <li data-shown={shown || undefined}>
      <Checkbox
        size="xs"
        checked={compared}
        aria-label={`Compare the run of ${when}`}
        data-testid="run-compare"
        onChange={({ currentTarget }) => onCompare(currentTarget.checked)}
      />
      <button
        type="button"
        className={classes.runLine}
        aria-current={shown ? 'true' : undefined}
        data-testid="run-line"
        data-run-id={run.id}
        onClick={() => onPick(run.id)}
      >
        <StatusPill tone={status.tone} title={status.reason ?? undefined}>
          {status.label}
        </StatusPill>
        <span className={classes.when}>{when}</span>
        <span className={classes.dim}>v{run.version}</span>
        <span className={classes.dim}>{elapsed === null ? '' : formatElapsed(elapsed)}</span>
        <span className={classes.dim} title={`${exactNumber(handled)} messages sent on by all nodes`}>
          {compactNumber(handled)} msg
        </span>
      </button>
      <ForkMark run={run} hasOrigin={hasOrigin} onPick={onPick} />
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

type ForkMarkProps = { run: RunSummary; hasOrigin: boolean; onPick: (runId: string) => void };

/** A fork says what it handles again, and leads there while it is kept. */
function ForkMark({ run: { forkedFrom }, hasOrigin, onPick }: ForkMarkProps) {
  if (forkedFrom === null) return <span className={classes.noFork} />;
  const { runId, partition, offset } = forkedFrom;
  const from = `Handles again from partition ${partition}, offset ${offset}`;
  return (
    <Tooltip label={hasOrigin ? `${from}. Show the run it came from.` : `${from} of a run that is deleted.`}>
      <button
        type="button"
        className={classes.fork}
        aria-label={`Fork. ${from}`}
        aria-disabled={!hasOrigin}
        data-testid="run-fork-mark"
        onClick={() => {
          if (hasOrigin) onPick(runId);
        }}
      >
        <GitFork size={12} aria-hidden /> fork
      </button>
    </Tooltip>
  );
}
