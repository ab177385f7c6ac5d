import { Clock3 } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const scheduleView: NodeKindView<'schedule'> = { icon: Clock3 };
