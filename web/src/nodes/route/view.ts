import { Split } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const routeView: NodeKindView<'route'> = {
  icon: Split,
};
