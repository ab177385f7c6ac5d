import { Split } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const routeView: NodeKindView<'route'> = {
  icon: Split,
  gist: ({ routes }) => (routes.length === 1 ? '1 rule' : `${routes.length} rules`),
};
