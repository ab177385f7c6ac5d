import { History } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';
import { perSecond } from '../text.ts';

export const replayView: NodeKindView<'replay'> = {
  icon: History,
  gist: ({ file, speed }) => {
    if (speed.mode === 'full') return `${file}, full speed`;
    return speed.mode === 'rate'
      ? `${file}, ${perSecond(speed.ratePerSecond)}`
      : `${file}, time × ${speed.factor}`;
  },
};
