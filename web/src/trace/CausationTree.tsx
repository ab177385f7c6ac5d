import type { Span, TraceModel } from '@millrace/shared/trace/spans.ts';
import { useMemo } from 'react';
import { plural, shortId } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { messageName } from './messageName.ts';
import { type MessageBranch, messageTree } from './messageTree.ts';
import { classes } from './styles.ts';

/** Beyond this many messages the tree says how many it leaves out; the waterfall shows them all. */
const BRANCHES_MAX = 500;

type Props = {
  live: LiveRun;
  model: TraceModel;
  selectedId: string | null;
  onSelect: (spanId: string) => void;
};

/** Messages by causation: which message made which, and how each consumer fared with it. */
export function CausationTree({ live, model, selectedId, onSelect }: Props) {
  const branches = useMemo(() => messageTree(model), [model]);
  const left = branches.length - BRANCHES_MAX;
  return (
    <div className={classes.rows} data-testid="causation-tree">
      <ul className={classes.tree} aria-label="Messages by cause">
        {branches.slice(0, BRANCHES_MAX).map((branch) => (
          <li key={branch.messageId} style={{ paddingLeft: 8 + Math.min(branch.depth, 12) * 18 }}>
            <Branch live={live} branch={branch} selectedId={selectedId} onSelect={onSelect} />
          </li>
        ))}
      </ul>
      {left > 0 ? <p className={classes.empty}>{plural(left, 'more message')}: see the waterfall.</p> : null}
    </div>
  );
}

type BranchProps = Omit<Props, 'model'> & { branch: MessageBranch };

function Branch({ live, branch, selectedId, onSelect }: BranchProps) {
  const chip = (span: Span, text: string) => (
    <button
      key={span.id}
      type="button"
      className={classes.chip}
      data-status={span.deadLettered ? 'dead' : span.status}
      aria-pressed={span.id === selectedId}
      onClick={() => onSelect(span.id)}
    >
      {text}
    </button>
  );
  return (
    <>
      <span className={classes.branchHead}>
        {branch.depth > 0 ? <span aria-hidden>↳</span> : null}
        <b>{messageName(branch.messageType, 'message')}</b>
        <code title={branch.messageId}>{shortId(branch.messageId)}</code>
        {branch.key === null ? null : <span className={classes.dim}>key {branch.key}</span>}
      </span>
      <span className={classes.chips}>
        {branch.sends.map((span) =>
          chip(
            span,
            `${live.nodeName(span.nodeId)} → ${span.topic === null ? '?' : live.nodeName(span.topic)}`,
          ),
        )}
        {branch.attempts.map((span) =>
          chip(
            span,
            `${live.nodeName(span.nodeId)}${span.attempt > 1 ? ` attempt ${span.attempt}` : ''}: ${span.status}`,
          ),
        )}
      </span>
    </>
  );
}
