import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { LiveRun } from '../../live/liveRun.ts';
import type { RunOperator } from '../operator.ts';

/** While dead letters come in, they are grouped anew this often. */
const REFRESH_MS = 1_000;

export type Causes = {
  answer: ResponseOf<'deadLetters.causes'> | null;
  problem: string | null;
  reload: () => void;
};

/** The dead letters of a run by cause, asked for again when the counters say that there are others. */
export function useCauses(live: LiveRun, operator: RunOperator): Causes {
  const [state, setState] = useState<Omit<Causes, 'reload'>>({ answer: null, problem: null });
  const question = useRef(0);

  const read = useCallback(async (): Promise<void> => {
    const asked = ++question.current;
    try {
      const answer = await operator.deadLetterCauses();
      if (asked === question.current) setState({ answer, problem: null });
    } catch (thrown) {
      // What was read before stays readable.
      if (asked === question.current)
        setState(({ answer }) => ({ answer, problem: toWorkbenchError(thrown).message }));
    }
  }, [operator]);

  useEffect(() => {
    void read();
    let seen = deadLettersIn(live.metrics.latest);
    const timer = setInterval(() => {
      const now = deadLettersIn(live.metrics.latest);
      if (now === seen) return;
      seen = now;
      void read();
    }, REFRESH_MS);
    return () => {
      clearInterval(timer);
      question.current++;
    };
  }, [live, read]);

  return { ...state, reload: () => void read() };
}

/** Changes whenever a dead letter is added, sent back or deleted. */
function deadLettersIn(snapshot: MetricsSnapshot | null): string {
  return JSON.stringify(snapshot?.deadLetters ?? {});
}
