import { Funnel } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const filterView: NodeKindView<'filter'> = {
  icon: Funnel,
};
