import { Gauge } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const throttleView: NodeKindView<'throttle'> = { icon: Gauge };
