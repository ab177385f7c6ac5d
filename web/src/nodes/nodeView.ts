import type { NodeConfig, NodeKind } from '@millrace/shared/flow/records/registry.ts';
import type { LucideIcon } from 'lucide-react';
import type { ComponentType } from 'react';

export type InspectorExtraProps<Kind extends NodeKind> = {
  nodeId: string;
  config: NodeConfig<Kind>;
  /** Where this flow takes messages; the path of a node comes after it. Null until the server has said. */
  ingestBase: string | null;
};

/** What the page knows of a node kind beyond its definition in `shared`. */
export type NodeKindView<Kind extends NodeKind = NodeKind> = {
  icon: LucideIcon;
  /** Drawn beside the gist. */
  Adornment?: ComponentType<{ config: NodeConfig<Kind> }>;
  /** Shown in the inspector above the form. */
  InspectorExtra?: ComponentType<InspectorExtraProps<Kind>>;
};
