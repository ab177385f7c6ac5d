import { Alert, Button, Group, Loader, Modal } from '@mantine/core';
import type { FlowChange } from '@millrace/shared/flow/changes.ts';
import { CircleAlert, RefreshCw } from 'lucide-react';
import classes from './ReplacementDialog.module.css';
import {
  byEffect,
  lineDiff,
  type PropertyDiff,
  propertyDiffs,
  type ReplacementPreview,
  useReplacement,
} from './replacement.ts';
import { useRunStore } from './runStore.ts';

/** Rule RN4: what applying the drawing to the run would change, before it does. */
export function ReplacementDialog() {
  const opened = useReplacement((state) => state.opened);
  const applying = useReplacement((state) => state.applying);
  const controller = useRunStore((state) => state.controller);
  return (
    <Modal
      opened={opened}
      onClose={() => controller?.closeReplacement()}
      title="Apply the changes to the run"
      size={720}
      // What has begun is not taken back by looking away.
      closeOnClickOutside={!applying}
      closeOnEscape={!applying}
      withCloseButton={!applying}
      data-testid="replacement-dialog"
    >
      {opened ? <Body /> : null}
    </Modal>
  );
}

function Body() {
  const preview = useReplacement((state) => state.preview);
  const problem = useReplacement((state) => state.problem);
  const applying = useReplacement((state) => state.applying);
  const gate = useRunStore((state) => state.gate);
  const controller = useRunStore((state) => state.controller);
  const blocked = preview?.changes.some(({ effect }) => effect === 'blocking') ?? false;
  const refusal = refusalOf(preview, blocked, gate.reason);
  return (
    <div className={classes.body}>
      {preview ? <Preview preview={preview} /> : problem ? null : <Waiting />}
      {problem ? (
        <Alert
          color="red"
          variant="light"
          icon={<CircleAlert size={16} aria-hidden />}
          role="alert"
          data-testid="replacement-problem"
        >
          {problem.message}
        </Alert>
      ) : null}
      <Group justify="space-between" wrap="nowrap" className={classes.foot}>
        <p className={classes.note} role={applying ? 'status' : undefined}>
          {applying
            ? 'Messages in hand are being finished; then the run goes on with the new version.'
            : (refusal ?? 'What is sent to the run meanwhile waits. Nothing that was acknowledged is lost.')}
        </p>
        <Group gap="xs" wrap="nowrap">
          <Button variant="default" disabled={applying} onClick={() => controller?.closeReplacement()}>
            Cancel
          </Button>
          <Button
            data-autofocus
            loading={applying}
            aria-disabled={refusal !== null}
            data-disabled={refusal !== null || undefined}
            data-testid="replacement-apply"
            onClick={() => {
              if (refusal === null) void controller?.applyReplacement();
            }}
          >
            Apply
          </Button>
        </Group>
      </Group>
    </div>
  );
}

function refusalOf(preview: ReplacementPreview | null, blocked: boolean, gate: string | null): string | null {
  if (preview === null) return 'The changes are being looked at.';
  if (preview.changes.length === 0) return 'There is nothing to apply.';
  if (blocked) return 'Take back what is marked red, or stop the run and start a new one.';
  return gate;
}

function Waiting() {
  return (
    <p className={classes.waiting}>
      <Loader size={14} aria-hidden /> Comparing the drawing with what runs…
    </p>
  );
}

function Preview({ preview }: { preview: ReplacementPreview }) {
  if (preview.changes.length === 0)
    return <p className={classes.lead}>The drawing says what runs already, as version {preview.from}.</p>;
  return (
    <>
      <p className={classes.lead}>
        The run would go on with <b>version {preview.version}</b> in place of version {preview.from}. Its
        messages, offsets and counters stay, but for what this says:
      </p>
      <div className={classes.groups}>
        {byEffect(preview.changes).map(({ effect, title, changes }) => (
          <section key={effect} className={classes.group} data-effect={effect} aria-label={title}>
            <h3>{title}</h3>
            <ul>
              {changes.map((change) => (
                <Change
                  key={`${change.record} ${change.kind} ${change.id}`}
                  change={change}
                  preview={preview}
                />
              ))}
            </ul>
          </section>
        ))}
      </div>
    </>
  );
}

const KIND = { added: 'new', removed: 'removed', changed: 'changed' } as const;

function Change({ change, preview }: { change: FlowChange; preview: ReplacementPreview }) {
  const { before, after } = preview;
  const diffs = before && change.kind === 'changed' ? propertyDiffs(change, before, after) : [];
  return (
    <li data-testid="replacement-change" data-id={change.id} data-effect={change.effect}>
      <p>
        <b>{change.name}</b> <span className={classes.kind}>{KIND[change.kind]}</span>
      </p>
      <p className={classes.consequence}>{change.consequence}</p>
      {diffs.length === 0 ? null : (
        <details className={classes.details}>
          <summary>{diffs.map(({ path }) => path.replace(/^config\./, '')).join(', ')}</summary>
          {diffs.map((diff) => (
            <Diff key={diff.path} diff={diff} />
          ))}
        </details>
      )}
    </li>
  );
}

function Diff({ diff: { path, before, after } }: { diff: PropertyDiff }) {
  if (!before.includes('\n') && !after.includes('\n')) {
    return (
      <p className={classes.values}>
        <span>{path}</span> <del>{before}</del> → <ins>{after}</ins>
      </p>
    );
  }
  return (
    // Named by the summary above it.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard too.
    <pre className={classes.lines} tabIndex={0}>
      {lineDiff(before, after).map(({ kind, text }, index) => (
        <span key={index} data-kind={kind}>
          {kind === 'added' ? '+ ' : kind === 'removed' ? '- ' : '  '}
          {text}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}

/** In the run controls while the drawing differs from what runs. */
export function ApplyButton({ refusal }: { refusal: string | null }) {
  const pending = useReplacement((state) => state.pendingChanges);
  const applying = useReplacement((state) => state.applying);
  const controller = useRunStore((state) => state.controller);
  if (pending === 0 && !applying) return null;
  const label = pending === 1 ? 'Apply 1 change' : `Apply ${pending} changes`;
  return (
    <Button
      size="compact-sm"
      variant="light"
      className={classes.apply}
      leftSection={
        applying ? <Loader size={12} color="currentColor" aria-hidden /> : <RefreshCw size={13} aria-hidden />
      }
      aria-label={label}
      title={refusal ?? 'See what the drawing would change in the run, and apply it (Ctrl+Enter)'}
      aria-disabled={refusal !== null}
      data-disabled={refusal !== null || undefined}
      data-testid="run-apply"
      onClick={() => {
        if (refusal === null) void controller?.openReplacement();
      }}
    >
      <span className={classes.applyWord}>Apply changes</span>
      <span className={classes.count}>{pending}</span>
    </Button>
  );
}
