import { ScrollText } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const logView: NodeKindView<'log'> = { icon: ScrollText };
