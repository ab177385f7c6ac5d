import { canRun } from '@millrace/shared/flow/validate.ts';
import type { Problem } from '@millrace/shared/flow/validation/problem.ts';
import type { ReactNode } from 'react';
import { clearHighlight, lightPath } from '../editor/canvas/highlight.ts';
import type { Editor } from '../editor/store/editorStore.ts';
import type { CanvasGeometry } from '../live/canvasGeometry.ts';
import { EdgeFlowOverlay } from '../live/EdgeFlowOverlay.tsx';
import { useWatch, type WatchHost } from '../live/watch.tsx';
import { RunWatch } from '../run/RunWatch.tsx';
import type { RunGate } from '../run/runStore.ts';
import { openDockTab } from './dock.ts';

type Props = {
  editor: Editor;
  problems: readonly Problem[];
  /** Selects a node and brings it into view. */
  showNode: (nodeId: string) => void;
  children: ReactNode;
};

/** Ties the watching half of the page to the drawing: what may run, and what a trace lights on the canvas. */
export function FlowWatch({ editor, problems, showNode, children }: Props) {
  const host: WatchHost = {
    showNode,
    openTab: openDockTab,
    light: (path) => (path ? lightPath(path) : clearHighlight()),
  };
  return (
    <RunWatch flowId={editor.flowId} gate={gateOf(problems)} host={host} beforeRun={() => editor.whenSaved()}>
      {children}
    </RunWatch>
  );
}

function gateOf(problems: readonly Problem[]): RunGate {
  if (canRun(problems)) return { runnable: true, reason: null };
  const errors = problems.filter((problem) => problem.severity === 'error');
  const first = errors[0]?.message ?? '';
  const more = errors.length > 1 ? ` And ${errors.length - 1} more, listed under Problems.` : '';
  return { runnable: false, reason: `The flow cannot run yet. ${first}${more}` };
}

/** The canvas's overlay slot: flow on the edges of the run that is watched. */
export function EdgeFlow({ geometry }: { geometry: CanvasGeometry }) {
  const { live } = useWatch();
  return <EdgeFlowOverlay live={live} geometry={geometry} />;
}
