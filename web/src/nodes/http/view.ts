import { Webhook } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';
import { IngestAddress } from './IngestAddress.tsx';

export const httpView: NodeKindView<'http'> = {
  icon: Webhook,
  InspectorExtra: IngestAddress,
};
