import { Braces } from 'lucide-react';
import type { NodeKindView } from '../nodeView.ts';

export const handlerView: NodeKindView<'handler'> = {
  icon: Braces,
  gist: ({ code, retry }) => {
    const lines = code.trim().split('\n').length;
    const attempts = retry.attemptsMax === 1 ? '1 attempt' : `${retry.attemptsMax} attempts`;
    return `${lines} ${lines === 1 ? 'line' : 'lines'}, ${attempts}`;
  },
};
