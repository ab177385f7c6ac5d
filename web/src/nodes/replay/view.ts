import { History } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const replayView: NodeKindView<'replay'> = {
  icon: History,
};
