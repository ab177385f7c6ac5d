import { ArrowRightLeft } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const transformView: NodeKindView<'transform'> = { icon: ArrowRightLeft };
