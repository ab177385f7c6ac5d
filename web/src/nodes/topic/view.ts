import { Layers } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';
import { PartitionTicks } from './PartitionTicks.tsx';

export const topicView: NodeKindView<'topic'> = {
  icon: Layers,
  gist: ({ partitions, key }) => {
    const lanes = partitions === 1 ? '1 partition' : `${partitions} partitions`;
    return key === '' ? lanes : `${lanes}, by ${key}`;
  },
  Adornment: PartitionTicks,
};
