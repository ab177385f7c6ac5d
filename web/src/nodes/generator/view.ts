import { Zap } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const generatorView: NodeKindView<'generator'> = {
  icon: Zap,
};
