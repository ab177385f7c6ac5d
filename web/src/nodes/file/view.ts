import { FileDown } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const fileView: NodeKindView<'file'> = { icon: FileDown };
