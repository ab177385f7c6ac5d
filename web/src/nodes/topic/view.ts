import { Layers } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';
import { PartitionTicks } from './PartitionTicks.tsx';

export const topicView: NodeKindView<'topic'> = {
  icon: Layers,
  Adornment: PartitionTicks,
};
