import { ActionIcon, Checkbox, Tooltip } from '@mantine/core';
import type { DeadLetterCause, DeadLetterTopic } from '@millrace/shared/protocol/entities.ts';
import { Inbox, Undo2 } from 'lucide-react';
import { exactNumber, formatClock, formatDateTime, plural } from '../../live/format.ts';
import type { LiveRun } from '../../live/liveRun.ts';
import { useSelection } from '../../live/selection.ts';
import { FIGURES_MS, useSignal } from '../../live/useSignal.ts';
import { useWatch } from '../../live/watch.tsx';
import styles from '../operate.module.css';
import panel from './deadLetters.module.css';
import { causeKey } from './redrivePlan.ts';

type Props = {
  live: LiveRun;
  topics: readonly DeadLetterTopic[];
  chosen: ReadonlySet<string>;
  onChoose: (keys: readonly string[], isOn: boolean) => void;
};

/** Dead letters by topic and cause: how many, who gave up, why, when, and one of them to look at. */
export function CauseTable({ live, topics, chosen, onChoose }: Props) {
  return (
    <table className={panel.table} data-testid="cause-table">
      <thead>
        <tr>
          <th scope="col">
            <span className="mr-visually-hidden">Chosen</span>
          </th>
          <th scope="col" className={panel.figure}>
            Waiting
          </th>
          <th scope="col">Given up by</th>
          <th scope="col">Last error</th>
          <th scope="col">First and last</th>
          <th scope="col">
            <span className="mr-visually-hidden">Look at one</span>
          </th>
        </tr>
      </thead>
      {topics.map((topic) => {
        const keys = topic.causes.map(({ cause }) => causeKey(topic.topicId, cause));
        const picked = keys.filter((key) => chosen.has(key)).length;
        return (
          <tbody key={topic.topicId} data-testid="dead-letter-topic" data-topic-id={topic.topicId}>
            <tr className={panel.topic}>
              <td>
                <Checkbox
                  size="xs"
                  checked={picked === keys.length}
                  indeterminate={picked > 0 && picked < keys.length}
                  onChange={(event) => onChoose(keys, event.currentTarget.checked)}
                  aria-label={`All dead letters in ${topic.name}`}
                  data-testid="choose-topic"
                />
              </td>
              <th scope="rowgroup" colSpan={5}>
                {topic.name}{' '}
                <span className={styles.soft}>
                  <TopicFigures live={live} topic={topic} />
                </span>
              </th>
            </tr>
            {topic.causes.map((cause, index) => (
              <CauseRow
                key={cause.cause}
                live={live}
                topicId={topic.topicId}
                cause={cause}
                isChosen={chosen.has(keys[index] as string)}
                onChoose={(isOn) => onChoose([keys[index] as string], isOn)}
              />
            ))}
          </tbody>
        );
      })}
    </table>
  );
}

/** Live, and of all dead letters of the topic, though not all may be grouped. */
function TopicFigures({ live, topic }: { live: LiveRun; topic: DeadLetterTopic }) {
  useSignal(live.metrics.changed, FIGURES_MS);
  const redriven = topic.causes.reduce((sum, cause) => sum + cause.redriven, 0);
  const figures = live.metrics.latest?.deadLetters[topic.topicId];
  const { waiting, sentBack } = figures ?? { waiting: topic.total - redriven, sentBack: redriven };
  return (
    <span data-testid="topic-letters" data-waiting={waiting} data-sent-back={sentBack}>
      {exactNumber(waiting)} waiting
      {sentBack > 0 && `, ${exactNumber(sentBack)} sent back`}, {plural(topic.causes.length, 'cause')}
    </span>
  );
}

type RowProps = {
  live: LiveRun;
  topicId: string;
  cause: DeadLetterCause;
  isChosen: boolean;
  onChoose: (isOn: boolean) => void;
};

function CauseRow({ live, topicId, cause, isChosen, onChoose }: RowProps) {
  const { host } = useWatch();
  const selectMessage = useSelection((state) => state.selectMessage);
  const [line] = cause.error.split('\n', 1);
  const name = live.nodeName(cause.nodeId);
  const look = (): void => {
    selectMessage({ topicId, ...cause.sample });
    host.openTab('messages');
  };
  return (
    <tr
      className={panel.cause}
      data-testid="cause-row"
      data-node-id={cause.nodeId}
      data-code={cause.errorCode}
      data-count={cause.count}
      data-redriven={cause.redriven}
      data-chosen={isChosen || undefined}
    >
      <td>
        <Checkbox
          size="xs"
          checked={isChosen}
          onChange={(event) => onChoose(event.currentTarget.checked)}
          aria-label={`${cause.errorCode} at ${name}: ${line}`}
          data-testid="choose-cause"
        />
      </td>
      <td className={panel.figure}>
        <b title={`${exactNumber(cause.count)} in all`}>{exactNumber(cause.count - cause.redriven)}</b>
      </td>
      <td>
        <button type="button" className={styles.link} onClick={() => host.showNode(cause.nodeId)}>
          {name}
        </button>
      </td>
      <td className={panel.error} title={cause.error}>
        <code>{cause.errorCode}</code> {line}
        {cause.redriven > 0 && (
          <span className={panel.sentBack} title={`${exactNumber(cause.redriven)} of them were sent back`}>
            <Undo2 size={11} aria-hidden /> {exactNumber(cause.redriven)} sent back
          </span>
        )}
      </td>
      <td
        className={panel.when}
        title={`First ${formatDateTime(cause.firstMs)}, last ${formatDateTime(cause.lastMs)}`}
      >
        {formatClock(cause.firstMs).slice(0, 8)}
        {cause.lastMs === cause.firstMs ? '' : ` – ${formatClock(cause.lastMs).slice(0, 8)}`}
      </td>
      <td>
        <Tooltip label="Look at the newest of them">
          <ActionIcon
            size={22}
            aria-label={`Look at the newest of ${plural(cause.count, 'message')} with ${cause.errorCode}`}
            onClick={look}
            data-testid="open-sample"
          >
            <Inbox size={14} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </td>
    </tr>
  );
}
