import { Zap } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';
import { perSecond } from '../text.ts';

export const generatorView: NodeKindView<'generator'> = {
  icon: Zap,
  gist: ({ ratePerSecond, count }) =>
    count === null
      ? perSecond(ratePerSecond)
      : `${perSecond(ratePerSecond)}, ${count.toLocaleString('en')} in all`,
};
