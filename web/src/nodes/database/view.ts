import { Database } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const databaseView: NodeKindView<'database'> = { icon: Database };
