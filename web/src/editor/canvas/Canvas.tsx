import '@xyflow/react/dist/style.css';
import { INPUT_PORT, NODE_WIDTH, PORT_LINE, type Point } from '@millrace/shared/flow/geometry.ts';
import { familyOf, isNodeKind, type NodeKind } from '@millrace/shared/flow/records/registry.ts';
import {
  Background,
  BackgroundVariant,
  ConnectionLineType,
  Controls,
  type FinalConnectionState,
  MiniMap,
  type OnConnectStartParams,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from '@xyflow/react';
import {
  type DragEvent,
  type MouseEvent as ReactMouseEvent,
  type ReactNode,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useStore } from 'zustand';
import {
  type FrameNode,
  type NodeActions,
  NodeActionsContext,
  NodeFrame,
  type NodeMark,
} from '../../nodes/NodeFrame.tsx';
import { useEditor, useEditorValue } from '../binding/EditorProvider.tsx';
import { GRID } from '../commands/clipboard.ts';
import type { CanvasPort, Command, CommandContext } from '../commands/command.ts';
import { DRAGGED_KIND } from '../commands/dragging.ts';
import {
  addNode,
  addNodeAtEdge,
  connectNodes,
  connectThroughTopic,
  type PulledEdge,
} from '../commands/wiring.ts';
import styles from './Canvas.module.css';
import { AddMenu, type CanvasMenu, ContextMenu, OfferMenu } from './CanvasMenus.tsx';
import { CanvasElements } from './canvasElements.ts';
import type { CanvasGeometryModel } from './geometry.ts';
import { highlight } from './highlight.ts';
import { receptionClass, receptionOf } from './reception.ts';
import { useDragging } from './useDragging.ts';
import { ArrowHeads, WireEdge } from './WireEdge.tsx';

/** Beyond this many nodes only what is visible is in the page. */
const RENDER_ALL_MAX = 250;
const ZOOM = { min: 0.08, max: 2.5, fit: 1.1, middle: 0.84, far: 0.66 };
const FIT_MS = 180;

const nodeTypes = { frame: NodeFrame };
const edgeTypes = { wire: WireEdge };
const NOBODY: ReadonlyMap<string, string> = new Map();

type Props = {
  geometry: CanvasGeometryModel;
  context: CommandContext;
  marks: ReadonlyMap<string, NodeMark>;
  perform: (command: Command) => void;
  onPort: (port: CanvasPort | null) => void;
  /** Painted over the drawing, under the controls. */
  overlay?: ReactNode;
  /** Shown while the flow has no nodes. */
  emptyHint?: ReactNode;
};

export function Canvas(props: Props) {
  return (
    <ReactFlowProvider>
      <Drawing {...props} />
    </ReactFlowProvider>
  );
}

function Drawing({ geometry, context, marks, perform, onPort, overlay, emptyHint }: Props) {
  const editor = useEditor();
  useEditorValue((current) => current.records);
  useEditorValue((current) => current.selection);
  const lit = useStore(highlight);
  const flow = useReactFlow<FrameNode>();
  const frame = useRef<HTMLDivElement>(null);
  const [renamingId, setRenamingId] = useState<string | null>(null);
  const [pulled, setPulled] = useState<PulledEdge | null>(null);
  const [hint, setHint] = useState<string | null>(null);
  const [menu, setMenu] = useState<CanvasMenu | null>(null);
  const dragging = useDragging(editor);
  // React Flow would put off the first fit until there is a node, and so move the canvas under the first one dropped.
  const [startsWithNodes] = useState(() => editor.graph.nodes.size > 0);

  const elements = useMemo(() => new CanvasElements(editor, geometry), [editor, geometry]);
  const reception = useMemo(() => {
    if (!pulled) return NOBODY;
    const { graph } = editor;
    return new Map([...graph.nodes.keys()].map((id) => [id, receptionClass(receptionOf(graph, pulled, id))]));
  }, [editor, pulled]);
  const { nodes, edges } = elements.build({ marks, renamingId, highlight: lit, reception });

  usePort(flow, frame, onPort, setRenamingId);
  useEffect(() => {
    const look = (): void => showView(frame.current, geometry);
    const sizes = new ResizeObserver(look);
    if (frame.current) sizes.observe(frame.current);
    const unsubscribe = editor.subscribe(look);
    return () => {
      unsubscribe();
      sizes.disconnect();
    };
  }, [editor, geometry]);

  const actions = useMemo<NodeActions>(
    () => ({
      startRename: setRenamingId,
      endRename: (nodeId, name) => {
        setRenamingId(null);
        frame.current?.querySelector<HTMLElement>(`[data-id="${nodeId}"]`)?.focus();
        const record = editor.records.get(nodeId);
        const trimmed = name?.trim() ?? '';
        if (record?.type !== 'node' || trimmed === '' || trimmed === record.node.name) return;
        editor.change({ label: 'Rename' }, (transaction) =>
          transaction.put({ ...record, node: { ...record.node, name: trimmed } }),
        );
      },
    }),
    [editor],
  );

  /** A point of the window, in pixels from the canvas's corner. */
  const within = ({ x, y }: Point): Point => {
    const box = frame.current?.getBoundingClientRect();
    return { x: x - (box?.left ?? 0), y: y - (box?.top ?? 0) };
  };

  const onConnectStart = (_: unknown, { nodeId, handleId, handleType }: OnConnectStartParams): void => {
    if (!nodeId || !handleType) return;
    setPulled({ nodeId, portId: handleId ?? INPUT_PORT, end: handleType });
    setMenu(null);
  };

  const onConnectEnd = (event: MouseEvent | TouchEvent, state: FinalConnectionState): void => {
    const from = pulled;
    setPulled(null);
    setHint(null);
    if (!from) return;
    const touch = 'changedTouches' in event ? event.changedTouches[0] : event;
    if (!touch) return;
    const point = { x: touch.clientX, y: touch.clientY };
    const nodeId = state.toNode?.id ?? nodeIdAt(point);
    if (nodeId === null) {
      if (isInside(frame.current, point)) {
        setMenu({ what: 'add', at: within(point), flowAt: flow.screenToFlowPosition(point), pulled: from });
      }
      return;
    }
    const { wire, verdict } = receptionOf(editor.graph, from, nodeId);
    if (verdict.ok) connectNodes(context, wire);
    else if (verdict.reason === 'needs-topic') {
      setMenu({ what: 'offer', at: within(point), wire, sentence: verdict.sentence });
    } else if (verdict.reason !== 'same-node') context.page.tell(verdict.sentence);
  };

  const onPulling = (event: ReactMouseEvent): void => {
    if (!pulled) return;
    const nodeId = nodeIdAt({ x: event.clientX, y: event.clientY });
    if (nodeId === null || nodeId === pulled.nodeId) setHint(null);
    else {
      const { verdict } = receptionOf(editor.graph, pulled, nodeId);
      setHint(verdict.ok ? null : verdict.sentence);
    }
  };

  const onDrop = (event: DragEvent): void => {
    const kind = event.dataTransfer.getData(DRAGGED_KIND);
    if (!isNodeKind(kind)) return;
    event.preventDefault();
    const point = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const snap = (value: number): number => Math.round(value / GRID) * GRID;
    addNode(context, kind, { x: snap(point.x - NODE_WIDTH / 2), y: snap(point.y - PORT_LINE) });
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the pointer handlers serve React Flow's own elements inside.
    <div
      ref={frame}
      className={styles.canvas}
      data-testid="canvas"
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes(DRAGGED_KIND)) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
        }
      }}
      onDrop={onDrop}
      onPointerMove={onPulling}
    >
      <ArrowHeads />
      <NodeActionsContext value={actions}>
        <ReactFlow
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          edgeTypes={edgeTypes}
          onNodesChange={dragging.onNodesChange}
          onEdgesChange={dragging.onEdgesChange}
          onNodeDragStart={dragging.start}
          onNodeDragStop={dragging.stop}
          onSelectionDragStart={dragging.start}
          onSelectionDragStop={dragging.stop}
          onConnectStart={onConnectStart}
          onConnectEnd={onConnectEnd}
          isValidConnection={({ source, target }) => source !== target}
          onViewportChange={(viewport) => {
            geometry.setViewport(viewport);
            showView(frame.current, geometry);
          }}
          onInit={(instance) => {
            geometry.setViewport(instance.getViewport());
            showView(frame.current, geometry);
          }}
          onPaneContextMenu={(event) => {
            event.preventDefault();
            setMenu({ what: 'context', at: within({ x: event.clientX, y: event.clientY }) });
          }}
          onNodeContextMenu={(event, node) => {
            event.preventDefault();
            if (!editor.selection.has(node.id)) editor.select([node.id]);
            setMenu({ what: 'context', at: within({ x: event.clientX, y: event.clientY }) });
          }}
          onEdgeContextMenu={(event, edge) => {
            event.preventDefault();
            editor.select([edge.id]);
            setMenu({ what: 'context', at: within({ x: event.clientX, y: event.clientY }) });
          }}
          connectionLineType={ConnectionLineType.Bezier}
          connectionRadius={28}
          connectOnClick={false}
          deleteKeyCode={null}
          multiSelectionKeyCode={['Meta', 'Control', 'Shift']}
          snapToGrid
          snapGrid={[GRID, GRID]}
          minZoom={ZOOM.min}
          maxZoom={ZOOM.max}
          zoomOnDoubleClick={false}
          onlyRenderVisibleElements={nodes.length > RENDER_ALL_MAX}
          elevateNodesOnSelect
          fitView={startsWithNodes}
          fitViewOptions={{ padding: 0.06, maxZoom: ZOOM.fit }}
        >
          <Background variant={BackgroundVariant.Dots} gap={GRID} size={1.2} color="var(--mr-canvas-dots)" />
          {overlay && <div className={styles.overlay}>{overlay}</div>}
          <Controls showInteractive={false} position="bottom-left" aria-label="Zoom" />
          {nodes.length > 0 && (
            <MiniMap
              pannable
              zoomable
              position="bottom-right"
              ariaLabel="Overview of the flow"
              className={styles.minimap}
              nodeColor={(node) => miniColor(node as FrameNode)}
              nodeBorderRadius={14}
            />
          )}
        </ReactFlow>
      </NodeActionsContext>
      {nodes.length === 0 && <div className={styles.empty}>{emptyHint}</div>}
      {hint && (
        <div className={styles.hint} role="status">
          {hint}
        </div>
      )}
      {menu?.what === 'add' && (
        <AddMenu
          menu={menu}
          context={context}
          onClose={() => setMenu(null)}
          onPick={(kind: NodeKind) => addNodeAtEdge(context, menu.pulled, kind, menu.flowAt)}
        />
      )}
      {menu?.what === 'offer' && (
        <OfferMenu
          menu={menu}
          onClose={() => setMenu(null)}
          onAccept={() => connectThroughTopic(context, menu.wire)}
        />
      )}
      {menu?.what === 'context' && (
        <ContextMenu at={menu.at} context={context} perform={perform} onClose={() => setMenu(null)} />
      )}
    </div>
  );
}

/** Hands the canvas's own abilities to the commands while it is mounted. */
function usePort(
  flow: ReturnType<typeof useReactFlow<FrameNode>>,
  frame: React.RefObject<HTMLDivElement | null>,
  onPort: (port: CanvasPort | null) => void,
  startRename: (nodeId: string) => void,
): void {
  useEffect(() => {
    const port: CanvasPort = {
      fit: (nodeIds) => {
        // Positions that were just changed reach React Flow with the next render.
        requestAnimationFrame(() => {
          const nodes = nodeIds?.map((id) => ({ id }));
          void flow.fitView({
            ...(nodes ? { nodes } : {}),
            padding: 0.06,
            maxZoom: ZOOM.fit,
            duration: FIT_MS,
          });
        });
      },
      zoomBy: (factor) => void flow.zoomTo(flow.getZoom() * factor, { duration: FIT_MS }),
      middle: () => {
        const box = frame.current?.getBoundingClientRect();
        return flow.screenToFlowPosition({
          x: (box?.left ?? 0) + (box?.width ?? 0) / 2,
          y: (box?.top ?? 0) + (box?.height ?? 0) / 2,
        });
      },
      startRename,
    };
    onPort(port);
    return () => onPort(null);
  }, [flow, frame, onPort, startRename]);
}

/**
 * Seen from afar, nodes show less and larger; while all of the drawing is in view, no overview is needed. Attributes, so
 * that panning and zooming render nothing.
 */
function showView(element: HTMLElement | null, geometry: CanvasGeometryModel): void {
  if (!element) return;
  const { x, y, zoom } = geometry.viewport();
  let isWhole = true;
  for (const node of geometry.nodes()) {
    const left = node.x * zoom + x;
    const top = node.y * zoom + y;
    const right = left + node.width * zoom;
    const bottom = top + node.height * zoom;
    if (left < 0 || top < 0 || right > element.clientWidth || bottom > element.clientHeight) {
      isWhole = false;
      break;
    }
  }
  const distance = zoom < ZOOM.far ? 'far' : zoom < ZOOM.middle ? 'middle' : 'near';
  const view = isWhole ? 'whole' : 'part';
  if (element.dataset.distance !== distance) element.dataset.distance = distance;
  if (element.dataset.view !== view) element.dataset.view = view;
}

function nodeIdAt({ x, y }: Point): string | null {
  const element = document.elementFromPoint(x, y)?.closest<HTMLElement>('.react-flow__node');
  return element?.dataset.id ?? null;
}

function isInside(element: HTMLElement | null, { x, y }: Point): boolean {
  const box = element?.getBoundingClientRect();
  return box !== undefined && x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
}

const FAMILY_COLORS = {
  producer: 'var(--mr-producer)',
  topic: 'var(--mr-topic)',
  consumer: 'var(--mr-consumer)',
};

function miniColor(node: FrameNode): string {
  return FAMILY_COLORS[familyOf(node.data.node.kind)];
}
