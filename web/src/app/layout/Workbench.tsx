import { useCallback, useEffect, useMemo, useRef } from 'react';
import {
  Group,
  Panel,
  type PanelImperativeHandle,
  Separator,
  useDefaultLayout,
} from 'react-resizable-panels';
import { useEditorValue } from '../../editor/binding/EditorProvider.tsx';
import { Canvas } from '../../editor/canvas/Canvas.tsx';
import { CanvasGeometryModel } from '../../editor/canvas/geometry.ts';
import { clearHighlight, lightPath } from '../../editor/canvas/highlight.ts';
import { Inspector } from '../../editor/inspector/Inspector.tsx';
import { Palette } from '../../editor/palette/Palette.tsx';
import { problemsOf } from '../../editor/problems/problems.ts';
import type { Editor } from '../../editor/store/editorStore.ts';
import { EdgeFlowOverlay } from '../../live/EdgeFlowOverlay.tsx';
import type { WatchHost } from '../../live/watch.tsx';
import { RunPart } from '../../run/RunPart.tsx';
import { RunWatch } from '../../run/RunWatch.tsx';
import { useRunStore } from '../../run/runStore.ts';
import { CommandPalette, NodeFinder } from '../CommandPalette.tsx';
import { openDockTab, setDockOpen, showRunInDock, useDock } from '../dock.ts';
import { ErrorBoundary } from '../ErrorBoundary.tsx';
import { ExportDialog } from '../exporting/ExportDialog.tsx';
import { type Commanding, useCommandContext } from '../useCommandContext.ts';
import { useInspectorPorts } from '../useInspectorPorts.ts';
import { Dock } from './Dock.tsx';
import { EmptyCanvas } from './EmptyCanvas.tsx';
import { FlowList } from './FlowList.tsx';
import left from './LeftPanel.module.css';
import { TopBar } from './TopBar.tsx';
import styles from './Workbench.module.css';

/** Below this many pixels of window, panels begin narrower. */
const NARROW = 1200;
const isNarrow = window.innerWidth < NARROW;
/** Pixels. The dock folds to its row of tabs. */
const LEFT = { size: isNarrow ? 172 : 190, min: 168, max: 320 };
const RIGHT = { size: isNarrow ? 272 : 300, min: 264, max: 640 };
const DOCK = { size: 290, min: 110, folded: 37 };

/** One open flow: palette, canvas, inspector, dock, and the run controls above them. */
export function Workbench({ editor }: { editor: Editor }) {
  const commanding = useCommandContext(editor);
  const { context } = commanding;
  const graph = useEditorValue((current) => current.graph);
  const problems = problemsOf(graph, context.random);
  const host = useMemo<WatchHost>(
    () => ({
      showNode: (nodeId) => {
        editor.select([nodeId]);
        context.canvas.fit([nodeId]);
      },
      showEdge: (edgeId) => {
        const record = editor.records.get(edgeId);
        if (record?.type !== 'edge') return;
        editor.select([edgeId]);
        context.canvas.fit([record.edge.source, record.edge.target]);
      },
      openTab: openDockTab,
      light: (path) => {
        if (path) lightPath(path);
        else clearHighlight();
      },
    }),
    [editor, context],
  );
  const gate = {
    runnable: problems.errors === 0,
    reason:
      problems.errors === 0
        ? null
        : `${problems.errors === 1 ? 'One error keeps' : `${problems.errors} errors keep`} this flow from running: see Problems.`,
  };
  useEffect(() => clearHighlight, []);
  const beforeRun = (): Promise<void> => {
    showRunInDock();
    return editor.whenSaved();
  };
  return (
    <RunWatch flowId={editor.flowId} gate={gate} draft={graph.document} host={host} beforeRun={beforeRun}>
      <div className={styles.workbench}>
        <TopBar commanding={commanding} />
        <Panels editor={editor} commanding={commanding} />
      </div>
      <CommandPalette {...commanding} />
      <NodeFinder {...commanding} />
      <ExportDialog editor={editor} />
    </RunWatch>
  );
}

const runPart = (recordId: string) => <RunPart key={recordId} recordId={recordId} />;

function Panels({ editor, commanding }: { editor: Editor; commanding: Commanding }) {
  const { context, perform, setCanvas } = commanding;
  const geometry = useMemo(() => new CanvasGeometryModel(editor), [editor]);
  const columns = useDefaultLayout({ id: 'millrace.columns', storage: localStorage });
  const rows = useDefaultLayout({ id: 'millrace.rows', storage: localStorage });
  const dockRef = useDockPanel();
  const graph = useEditorValue((current) => current.graph);
  const selection = useEditorValue((current) => current.selection);
  const { marks } = problemsOf(graph, context.random);
  const live = useRunStore((state) => state.live);
  const ports = useInspectorPorts();
  const overlay = useMemo(() => <EdgeFlowOverlay live={live} geometry={geometry} />, [live, geometry]);
  return (
    <Group
      orientation="horizontal"
      className={styles.columns}
      defaultLayout={columns.defaultLayout}
      onLayoutChanged={columns.onLayoutChanged}
    >
      <Panel
        id="panel-left"
        defaultSize={LEFT.size}
        minSize={LEFT.min}
        maxSize={LEFT.max}
        groupResizeBehavior="preserve-pixel-size"
      >
        <aside className={left.panel} aria-label="Palette and flows">
          <div className={left.nodes}>
            <Palette perform={perform} />
          </div>
          <FlowList {...commanding} />
        </aside>
      </Panel>
      <Separator className={styles.columnHandle} aria-label="Width of the palette" />
      <Panel id="panel-middle" minSize={300}>
        <Group
          orientation="vertical"
          defaultLayout={rows.defaultLayout}
          onLayoutChanged={rows.onLayoutChanged}
        >
          <Panel id="panel-canvas" minSize={140}>
            <main className={styles.canvas} aria-label="Canvas">
              <ErrorBoundary what="the canvas">
                <Canvas
                  geometry={geometry}
                  context={context}
                  marks={marks}
                  perform={perform}
                  onPort={setCanvas}
                  overlay={overlay}
                  emptyHint={<EmptyCanvas perform={perform} />}
                />
              </ErrorBoundary>
            </main>
          </Panel>
          <Separator className={styles.rowHandle} aria-label="Height of the panel" />
          <Panel
            id="panel-dock"
            panelRef={dockRef}
            defaultSize={DOCK.size}
            minSize={DOCK.min}
            collapsible
            collapsedSize={DOCK.folded}
            groupResizeBehavior="preserve-pixel-size"
            onResize={({ inPixels }) => setDockOpen(inPixels > DOCK.folded + 2)}
          >
            <Dock context={context} />
          </Panel>
        </Group>
      </Panel>
      <Separator className={styles.columnHandle} aria-label="Width of the inspector" />
      <Panel
        id="panel-right"
        defaultSize={RIGHT.size}
        minSize={RIGHT.min}
        maxSize={RIGHT.max}
        groupResizeBehavior="preserve-pixel-size"
      >
        <aside className={styles.inspector} aria-label="Inspector" data-testid="inspector">
          <ErrorBoundary what="the inspector" resetKey={selection}>
            <Inspector context={context} ports={ports} runPart={runPart} />
          </ErrorBoundary>
        </aside>
      </Panel>
    </Group>
  );
}

/** Folds and opens the dock's panel when the dock says so, from its button or because a tab was asked for. */
function useDockPanel() {
  const { open } = useDock();
  const handle = useRef<PanelImperativeHandle | null>(null);
  useEffect(() => {
    const panel = handle.current;
    if (!panel) return;
    if (open && panel.isCollapsed()) panel.expand();
    if (!open && !panel.isCollapsed()) panel.collapse();
  }, [open]);
  return useCallback((panel: PanelImperativeHandle | null) => {
    handle.current = panel;
  }, []);
}
