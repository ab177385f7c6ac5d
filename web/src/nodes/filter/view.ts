import { Funnel } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';
import { shortExpression } from '../text.ts';

export const filterView: NodeKindView<'filter'> = {
  icon: Funnel,
  gist: ({ expression }) => shortExpression(expression),
};
