import { BaseEdge, type EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import type { WireEdgeType } from './canvasElements.ts';

const HAND_WIDTH = 18;

/** A connection. Solid publishes, thin reads, dashed carries dead letters: the role shows without colour. */
export const WireEdge = memo(function WireEdge({ id, data }: EdgeProps<WireEdgeType>) {
  if (!data) return null;
  const { shape } = data;
  return (
    <g data-role={shape.role ?? 'broken'} data-testid={`edge-${id}`} data-live-edge={id}>
      <BaseEdge
        id={id}
        path={shape.path}
        interactionWidth={HAND_WIDTH}
        markerEnd={`url(#arrow-${shape.role === 'dead-letter' ? 'dead' : 'plain'})`}
      />
    </g>
  );
});

/** Arrow heads, once per page. They take the colour of their edge's family, not of its selection. */
export function ArrowHeads() {
  return (
    <svg style={{ position: 'absolute', width: 0, height: 0 }} aria-hidden="true">
      <defs>
        {(['plain', 'dead'] as const).map((name) => (
          <marker
            key={name}
            id={`arrow-${name}`}
            viewBox="0 0 8 8"
            refX="11"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path
              d="M0.5 0.8 L7 4 L0.5 7.2 Z"
              fill={name === 'dead' ? 'var(--mr-edge-dead)' : 'var(--mr-edge)'}
            />
          </marker>
        ))}
      </defs>
    </svg>
  );
}
