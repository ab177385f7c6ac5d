import { Braces } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const handlerView: NodeKindView<'handler'> = {
  icon: Braces,
};
