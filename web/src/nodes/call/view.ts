import { Globe } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const callView: NodeKindView<'call'> = { icon: Globe };
