import { Button, TextInput, Tooltip } from '@mantine/core';
import type { RedriveCounts } from '@millrace/shared/deadLetters/redrive.ts';
import type { DeadLetterTopic } from '@millrace/shared/protocol/entities.ts';
import { FlaskConical, Undo2 } from 'lucide-react';
import { useState } from 'react';
import { exactNumber, plural } from '../../live/format.ts';
import { isActive, type LiveRun } from '../../live/liveRun.ts';
import { useSignal } from '../../live/useSignal.ts';
import styles from '../operate.module.css';
import { type RunOperator, useAsking } from '../operator.ts';
import { Problem } from '../Problem.tsx';
import panel from './deadLetters.module.css';
import { outcomes, partsOf } from './redrivePlan.ts';

type Props = {
  live: LiveRun;
  operator: RunOperator;
  topics: readonly DeadLetterTopic[];
  chosen: ReadonlySet<string>;
  /** It stands in a strip below the causes. */
  narrow: boolean;
};

/** Sends the chosen dead letters back, after a dry run has said what that will do. */
export function RedriveBox({ live, operator, topics, chosen, narrow }: Props) {
  useSignal(live.changed);
  const [key, setKey] = useState('');
  const [dryRun, setDryRun] = useState<{ of: string; counts: RedriveCounts } | null>(null);
  const asking = useAsking();
  const parts = partsOf(topics, chosen, key);
  // A dry run speaks for the selection it was made of and no other.
  const plan = JSON.stringify(parts);
  const known = dryRun?.of === plan ? dryRun.counts : null;
  const isOver = !isActive(live.status);
  const refusal = isOver
    ? 'The run is over. Dead letters are sent back while it goes on.'
    : parts.length === 0
      ? 'Choose what is to be sent back.'
      : null;
  const redriveRefusal =
    refusal ??
    (known === null
      ? 'See what would happen first: make a dry run.'
      : known.redriven === 0
        ? 'Nothing of this would be sent back.'
        : null);

  const look = (): Promise<void> =>
    asking.ask('dry-run', async () => {
      const { counts } = await operator.redrive({ parts, dryRun: true });
      setDryRun({ of: plan, counts });
    });
  const redrive = (): Promise<void> =>
    asking.ask('redrive', async () => {
      await operator.redrive({ parts, dryRun: false });
      setDryRun(null);
    });

  return (
    <section className={`${panel.box} ${panel.send}`} aria-label="Send back" data-testid="redrive-box">
      <h3>Send back</h3>
      <TextInput
        className={panel.key}
        label={narrow ? undefined : 'Only with the key'}
        aria-label="Only with the key"
        placeholder={narrow ? 'Only with the key: any' : 'any'}
        value={key}
        onChange={(event) => setKey(event.currentTarget.value)}
        spellCheck={false}
        data-testid="redrive-key"
      />
      {known && <Outcomes counts={known} />}
      <Problem text={asking.problem} />
      <div className={panel.buttons}>
        <Refusable refusal={refusal}>
          <Button
            variant="default"
            leftSection={<FlaskConical size={13} aria-hidden />}
            data-disabled={refusal !== null || undefined}
            aria-disabled={refusal !== null}
            loading={asking.pending === 'dry-run'}
            onClick={() => refusal === null && void look()}
            data-testid="dry-run"
          >
            Dry run
          </Button>
        </Refusable>
        <Refusable refusal={redriveRefusal}>
          <Button
            leftSection={<Undo2 size={13} aria-hidden />}
            data-disabled={redriveRefusal !== null || undefined}
            aria-disabled={redriveRefusal !== null}
            loading={asking.pending === 'redrive'}
            onClick={() => redriveRefusal === null && void redrive()}
            data-testid="redrive"
          >
            {known && known.redriven > 0 ? `Redrive ${exactNumber(known.redriven)}` : 'Redrive'}
          </Button>
        </Refusable>
      </div>
      <p className={styles.soft}>
        {redriveRefusal ?? 'Each goes back to the topic it came from, and is handled again.'}
      </p>
    </section>
  );
}

/** Focusable while it cannot be used, so that the reason can be read by mouse and keyboard. */
function Refusable({ refusal, children }: { refusal: string | null; children: React.ReactElement }) {
  return (
    <Tooltip label={refusal ?? ''} disabled={refusal === null} multiline maw={260}>
      {children}
    </Tooltip>
  );
}

function Outcomes({ counts }: { counts: RedriveCounts }) {
  return (
    <div className={panel.result} role="status" data-testid="dry-run-result">
      <p className={styles.sentence}>Of {plural(counts.looked, 'dead letter')}:</p>
      <ul className={panel.outcomes}>
        {outcomes(counts, true).map(({ name, count, text, why }) => (
          <li key={name} data-outcome={name} data-count={count} title={why}>
            <b>{exactNumber(count)}</b> {text}
          </li>
        ))}
      </ul>
    </div>
  );
}
