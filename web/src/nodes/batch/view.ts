import { Boxes } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const batchView: NodeKindView<'batch'> = { icon: Boxes };
