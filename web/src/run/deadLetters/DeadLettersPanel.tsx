import type { DeadLetterTopic } from '@millrace/shared/protocol/entities.ts';
import { type ReactNode, useState } from 'react';
import { plural } from '../../live/format.ts';
import type { LiveRun } from '../../live/liveRun.ts';
import { useLiveRun } from '../../live/watch.tsx';
import { useNarrow } from '../../ui/useNarrow.ts';
import styles from '../operate.module.css';
import { useOperator } from '../operator.ts';
import { Problem } from '../Problem.tsx';
import { CauseTable } from './CauseTable.tsx';
import panel from './deadLetters.module.css';
import { RedriveBox } from './RedriveBox.tsx';
import { RedriveJobs } from './RedriveJobs.tsx';
import { causeKey } from './redrivePlan.ts';
import { useCauses } from './useCauses.ts';

/** The dock's tab of what consumers gave up on: why, and the way back (DL4, DL5). */
export function DeadLettersPanel() {
  const { live } = useLiveRun();
  if (!live) {
    return (
      <Teaching>
        Press <b>Run</b> to see here what consumers give up on.
      </Teaching>
    );
  }
  return <DeadLetters live={live} key={live.runId} />;
}

function Teaching({ children }: { children: ReactNode }) {
  return (
    <div className={styles.empty} data-testid="dead-letters-empty">
      <p>{children}</p>
      <p>
        A <b>dead letter</b> is a message that failed at every attempt its consumer allows. It is kept with
        its errors, where it came from and how often it was tried: in the topic at the consumer’s dead-letter
        output or, without one, in a topic of its own. When the cause is mended, it can be sent back to where
        it came from.
      </p>
    </div>
  );
}

/** Narrower, the box for sending back stands below the causes. */
const SIDE_BY_SIDE_PX = 720;

function DeadLetters({ live }: { live: LiveRun }) {
  const operator = useOperator(live.runId);
  const { answer, problem, reload } = useCauses(live, operator);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { ref, narrow } = useNarrow(SIDE_BY_SIDE_PX);
  if (!answer) {
    return problem === null ? (
      <p className={styles.empty}>Reading the dead letters…</p>
    ) : (
      <div className={styles.empty}>
        <Problem text={`The dead letters could not be read: ${problem}`} />
        <button type="button" className={styles.link} onClick={reload}>
          Try again
        </button>
      </div>
    );
  }
  const topics = answer.topics.filter(({ causes }) => causes.length > 0);
  if (topics.length === 0) {
    return <Teaching>No consumer of this run has given up on a message.</Teaching>;
  }
  // Causes can go, when their messages expire; what is gone is not chosen any more.
  const known = new Set(keysOf(topics));
  const current = new Set([...chosen].filter((key) => known.has(key)));
  const choose = (keys: readonly string[], isOn: boolean): void => {
    const next = new Set(current);
    for (const key of keys) {
      if (isOn) next.add(key);
      else next.delete(key);
    }
    setChosen(next);
  };
  return (
    <section
      ref={ref}
      className={panel.panel}
      data-narrow={narrow || undefined}
      aria-label="Dead letters"
      data-testid="dead-letters-panel"
    >
      <div className={panel.causes}>
        <Problem text={problem} />
        <CauseTable live={live} topics={topics} chosen={current} onChoose={choose} />
        {answer.truncated > 0 && (
          <p className={panel.note} role="status">
            There are {plural(answer.truncated, 'more dead letter')} than are grouped here.
          </p>
        )}
      </div>
      <div className={panel.side}>
        <RedriveBox live={live} operator={operator} topics={topics} chosen={current} narrow={narrow} />
        <RedriveJobs live={live} operator={operator} />
      </div>
    </section>
  );
}

function keysOf(topics: readonly DeadLetterTopic[]): string[] {
  return topics.flatMap(({ topicId, causes }) => causes.map(({ cause }) => causeKey(topicId, cause)));
}
