import type { FlowNode } from '@millrace/shared/flow/document.ts';
import {
  labelledOutputs,
  nodeSize,
  PORT_ROW_HEIGHT,
  type PortSpot,
  portSpots,
} from '@millrace/shared/flow/geometry.ts';
import { gistOf } from '@millrace/shared/flow/gist.ts';
import { familyOf, nodeKind } from '@millrace/shared/flow/records/registry.ts';
import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import { CircleAlert, TriangleAlert } from 'lucide-react';
import { createContext, memo, type ReactNode, use, useRef } from 'react';
import styles from './NodeFrame.module.css';
import { nodeView } from './registry.ts';

export type NodeMark = { severity: 'error' | 'warning'; sentence: string };
export type FrameData = { node: FlowNode; mark: NodeMark | null; renaming: boolean };
export type FrameNode = Node<FrameData, 'frame'>;

/** What a node asks of the canvas around it. */
export interface NodeActions {
  startRename(nodeId: string): void;
  /** An empty or unchanged name ends renaming and changes nothing. */
  endRename(nodeId: string, name: string | null): void;
}

export const NodeActionsContext = createContext<NodeActions | null>(null);

/**
 * One node on the canvas. Its family shows in its shape: producers are round at the left, topics are a length of pipe,
 * consumers are cards. Live numbers, flags and instances are written into `[data-live-…]` from outside React.
 */
export const NodeFrame = memo(function NodeFrame({ data, selected }: NodeProps<FrameNode>) {
  const { node, mark } = data;
  const family = familyOf(node.kind);
  const view = nodeView(node.kind);
  const { title } = nodeKind(node.kind);
  const { Adornment, icon: Icon } = view;
  const size = nodeSize(node);
  const gist = gistOf(node);
  return (
    <div
      className={styles.frame}
      data-family={family}
      data-kind={node.kind}
      data-selected={selected || undefined}
      data-testid={`node-${node.id}`}
      style={size}
    >
      {family === 'topic' && <Pipe {...size} />}
      <div className={styles.header}>
        <span className={styles.icon}>
          <Icon size={16} strokeWidth={2} aria-hidden="true" />
        </span>
        <div className={styles.titles}>
          <NodeName node={node} renaming={data.renaming} />
          <span className={styles.kind}>{title}</span>
        </div>
        {family === 'consumer' && <span className={styles.members} role="img" data-live-members={node.id} />}
        {mark && <Mark mark={mark} />}
      </div>
      {labelledOutputs(node).map((port) => (
        <div key={port.id} className={styles.portRow} style={{ height: PORT_ROW_HEIGHT }}>
          {port.label}
        </div>
      ))}
      <div className={styles.strip}>
        <span className={styles.gist} title={gist}>
          {Adornment && <Adornment config={node.config} />}
          <span className={styles.gistText}>{gist}</span>
        </span>
        <div className={styles.live} data-live-node={node.id} />
      </div>
      <div className={styles.flags} data-live-flags={node.id} />
      {portSpots(node).map((spot) => (
        <Port key={spot.id} spot={spot} nodeName={node.name} />
      ))}
    </div>
  );
});

function NodeName({ node, renaming }: { node: FlowNode; renaming: boolean }): ReactNode {
  const actions = use(NodeActionsContext);
  const cancelled = useRef(false);
  if (!renaming || !actions) {
    return (
      // biome-ignore lint/a11y/noStaticElementInteractions: double click is a shortcut; F2 and the inspector rename too.
      <span className={styles.name} title={node.name} onDoubleClick={() => actions?.startRename(node.id)}>
        {node.name}
      </span>
    );
  }
  return (
    <input
      className={`${styles.nameInput} nodrag nopan nokey`}
      aria-label={`Name of ${node.name}`}
      defaultValue={node.name}
      maxLength={80}
      ref={(input) => {
        input?.focus();
        input?.select();
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === 'Escape') cancelled.current = true;
        if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur();
      }}
      onBlur={(event) => {
        actions.endRename(node.id, cancelled.current ? null : event.currentTarget.value);
        cancelled.current = false;
      }}
    />
  );
}

function Mark({ mark }: { mark: NodeMark }) {
  const Icon = mark.severity === 'error' ? CircleAlert : TriangleAlert;
  return (
    <span
      className={styles.mark}
      data-severity={mark.severity}
      role="img"
      aria-label={mark.sentence}
      title={mark.sentence}
    >
      <Icon size={14} aria-hidden="true" />
    </span>
  );
}

const SIDES = { left: Position.Left, right: Position.Right, bottom: Position.Bottom } as const;

function Port({ spot, nodeName }: { spot: PortSpot; nodeName: string }) {
  const isInput = spot.role === 'input';
  return (
    <Handle
      id={spot.id}
      type={isInput ? 'target' : 'source'}
      position={SIDES[spot.side]}
      className={styles.port}
      data-role={spot.role}
      data-testid={`port-${spot.id}`}
      aria-label={isInput ? `Input of ${nodeName}` : `Output ${spot.label} of ${nodeName}`}
      title={isInput ? undefined : portHint(spot)}
      style={{ left: spot.at.x, top: spot.at.y, right: 'auto', bottom: 'auto' }}
    />
  );
}

function portHint({ role, label }: PortSpot): string {
  if (role === 'dead-letter') return 'Dead letters: messages given up on. Drag to a topic.';
  if (role === 'subscribe') return 'Messages: drag to a consumer that reads them.';
  return `${label}: drag to the topic that takes its messages.`;
}

/** A length of pipe lying on its side, seen a little from the right. */
function Pipe({ width, height }: { width: number; height: number }) {
  const cap = 9;
  const body = `M${cap},0.75 H${width - cap} A${cap},${height / 2 - 0.75} 0 0 1 ${width - cap},${height - 0.75} H${cap} A${cap - 0.75},${height / 2 - 0.75} 0 0 1 ${cap},0.75 Z`;
  const lid = `M${width - cap},0.75 A${cap},${height / 2 - 0.75} 0 0 0 ${width - cap},${height - 0.75}`;
  return (
    <svg className={styles.pipe} width={width} height={height} aria-hidden="true">
      <path className={styles.pipeBody} d={body} />
      <path className={styles.pipeLid} d={lid} />
    </svg>
  );
}
