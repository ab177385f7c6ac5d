import { useEffect, useMemo, useRef, useState } from 'react';
import { Group, Panel, Separator } from 'react-resizable-panels';
import type { LiveRun } from '../live/liveRun.ts';
import { useSelection } from '../live/selection.ts';
import { useSignal } from '../live/useSignal.ts';
import { type RunReader, useLiveRun, useWatch } from '../live/watch.tsx';
import { useNarrow } from '../ui/useNarrow.ts';
import { MessageBar } from './MessageBar.tsx';
import { MessageDetail } from './MessageDetail.tsx';
import { MessageTable } from './MessageTable.tsx';
import { PartitionTable } from './PartitionTable.tsx';
import { classes } from './styles.ts';
import { around, NEWEST, type TopicQuery } from './topicQuery.ts';
import { browsableTopics } from './topics.ts';
import { useTopicMessages } from './useTopicMessages.ts';

/** The dock's tab that shows what is in a topic: by partition, offset and key. */
export function MessagesPanel() {
  const { live, graph } = useLiveRun();
  const { reader } = useWatch();
  const picked = useSelection((state) => state.topicId);
  useSignal(live?.metrics.changed ?? null, REFRESH_TOPICS_MS);
  if (!live || !reader) {
    return (
      <p className={classes.empty} data-testid="messages-empty">
        Press <b>Run</b>, then read here what is in each topic: every message with its partition, offset, key
        and payload, during the run and after it.
      </p>
    );
  }
  const topics = browsableTopics(graph, live.metrics.latest, live.summary?.counters ?? {});
  const topicId = topics.some((topic) => topic.id === picked) ? picked : (topics[0]?.id ?? null);
  if (topicId === null) {
    return (
      <p className={classes.empty}>
        {graph
          ? 'This flow has no topic. Put one between a producer and a consumer.'
          : 'Reading the flow that runs…'}
      </p>
    );
  }
  return (
    <TopicBrowser
      key={`${live.runId} ${topicId}`}
      live={live}
      reader={reader}
      topics={topics}
      topicId={topicId}
    />
  );
}

/** Counts in the list of topics; the exact ones are on the nodes. */
const REFRESH_TOPICS_MS = 1_000;
/** Below this width the open message takes the place of the table. */
const SIDE_BY_SIDE_PX = 680;

type Props = {
  live: LiveRun;
  reader: RunReader;
  topics: ReturnType<typeof browsableTopics>;
  topicId: string;
};

function TopicBrowser({ live, reader, topics, topicId }: Props) {
  const selected = useSelection((state) => state.message);
  const message = selected?.topicId === topicId ? selected : null;
  const selectMessage = useSelection((state) => state.selectMessage);
  const [query, setQuery] = useState<TopicQuery>(() =>
    message ? around(message.partition, message.offset) : NEWEST,
  );
  const [refreshing, setRefreshing] = useState(true);
  const [showPartitions, setShowPartitions] = useState(false);
  const { ref, narrow } = useNarrow(SIDE_BY_SIDE_PX);
  const { page, loading, error, reload } = useTopicMessages(live, reader, topicId, query, refreshing);
  const rows = page?.messages;
  const row = useMemo(
    () => rows?.find((one) => one.partition === message?.partition && one.offset === message.offset) ?? null,
    [rows, message],
  );

  // A message chosen elsewhere (in a trace) is brought into view; one that scrolls out of the newest stays selected.
  const shownFor = useRef(message);
  useEffect(() => {
    if (message === shownFor.current) return;
    shownFor.current = message;
    const listed = rows?.some((one) => one.partition === message?.partition && one.offset === message.offset);
    if (message && !listed) setQuery(around(message.partition, message.offset));
  }, [message, rows]);

  return (
    <div className={classes.panel} data-testid="messages-panel">
      <MessageBar
        live={live}
        topics={topics}
        topicId={topicId}
        query={query}
        onQuery={setQuery}
        page={page}
        refreshing={refreshing}
        onRefreshing={setRefreshing}
        onReload={reload}
        showPartitions={showPartitions}
        onShowPartitions={setShowPartitions}
      />
      {showPartitions && page ? (
        <PartitionTable live={live} topicId={topicId} partitions={page.partitions} />
      ) : null}
      <div className={classes.body} ref={ref}>
        {narrow && message ? (
          <MessageDetail live={live} reader={reader} position={message} known={row} />
        ) : (
          <Group orientation="horizontal" id="messages">
            <Panel id="message-table" minSize={260} defaultSize={message ? '55%' : '100%'}>
              <MessageTable
                messages={rows ?? null}
                loading={loading}
                error={error}
                query={query}
                selected={message}
                onSelect={(one) =>
                  selectMessage(one ? { topicId, partition: one.partition, offset: one.offset } : null)
                }
              />
            </Panel>
            {message ? (
              <>
                <Separator className={classes.separator} aria-label="Width of the message table" />
                <Panel id="message-detail" minSize={260}>
                  <MessageDetail live={live} reader={reader} position={message} known={row} />
                </Panel>
              </>
            ) : null}
          </Group>
        )}
      </div>
    </div>
  );
}
