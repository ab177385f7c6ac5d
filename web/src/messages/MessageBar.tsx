import { ActionIcon, Button, NumberInput, Select, Switch, TextInput, Tooltip } from '@mantine/core';
import { ChevronLeft, ChevronRight, Download, RefreshCw, Rows3 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { exactNumber } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { useSelection } from '../live/selection.ts';
import { classes } from './styles.ts';
import { neighbour, type TopicQuery } from './topicQuery.ts';
import type { BrowsableTopic } from './topics.ts';
import type { TopicPage } from './useTopicMessages.ts';

type Props = {
  live: LiveRun;
  topics: BrowsableTopic[];
  topicId: string;
  query: TopicQuery;
  onQuery: (query: TopicQuery) => void;
  page: TopicPage | null;
  refreshing: boolean;
  onRefreshing: (on: boolean) => void;
  onReload: () => void;
  showPartitions: boolean;
  onShowPartitions: (on: boolean) => void;
};

/** What to read: topic, partition, where from, which key. */
export function MessageBar(props: Props) {
  const { live, topics, topicId, query, onQuery, page, refreshing, showPartitions } = props;
  const selectTopic = useSelection((state) => state.selectTopic);
  const topic = topics.find((one) => one.id === topicId);
  const bounds = query.partition === null ? undefined : page?.partitions[query.partition];
  const older = neighbour(query, 'older', page?.messages ?? [], bounds);
  const newer = neighbour(query, 'newer', page?.messages ?? [], bounds);
  const partitions = page?.partitions.length ?? topic?.partitions ?? 1;

  return (
    <search className={classes.bar}>
      <Select
        className={classes.topic}
        aria-label="Topic"
        searchable
        allowDeselect={false}
        data={topics.map((one) => ({ value: one.id, label: topicLabel(live, one) }))}
        value={topicId}
        onChange={(id) => selectTopic(id)}
        data-testid="message-topic"
      />
      <Select
        w={128}
        aria-label="Partition"
        allowDeselect={false}
        data={[
          { value: 'all', label: 'All partitions' },
          ...Array.from({ length: partitions }, (_, index) => ({
            value: String(index),
            label: `Partition ${index}`,
          })),
        ]}
        value={query.partition === null ? 'all' : String(query.partition)}
        onChange={(value) =>
          onQuery(withPartition(query, value === 'all' || value === null ? null : Number(value)))
        }
        data-testid="message-partition"
      />
      <Select
        w={118}
        aria-label="Where to begin"
        allowDeselect={false}
        data={[
          { value: 'newest', label: 'Newest' },
          { value: 'offset', label: 'From offset' },
        ]}
        value={query.from}
        onChange={(value) =>
          onQuery(value === 'offset' ? fromOffset(query, bounds?.start ?? 0) : fromNewest(query))
        }
        data-testid="message-from"
      />
      {query.from === 'offset' ? (
        <NumberInput
          w={96}
          aria-label="First offset"
          min={0}
          allowDecimal={false}
          allowNegative={false}
          value={query.offset}
          onChange={(value) => {
            if (typeof value === 'number') onQuery({ ...query, offset: value });
          }}
          data-testid="message-offset"
        />
      ) : null}
      <KeyFilter value={query.key} onChange={(key) => onQuery({ ...query, key })} />
      {query.partition === null ? null : (
        <>
          <PageButton label="Older" target={older} onQuery={onQuery}>
            <ChevronLeft size={14} aria-hidden />
          </PageButton>
          <PageButton label="Newer" target={newer} onQuery={onQuery}>
            <ChevronRight size={14} aria-hidden />
          </PageButton>
        </>
      )}
      <span className={classes.grow} />
      <Tooltip label="Read the newest again as the topic grows">
        <Switch
          label="Live"
          checked={refreshing && query.from === 'newest'}
          disabled={query.from !== 'newest'}
          onChange={(event) => props.onRefreshing(event.currentTarget.checked)}
          data-testid="message-live"
        />
      </Tooltip>
      <Tooltip label="Read again">
        <ActionIcon variant="default" aria-label="Read again" onClick={props.onReload}>
          <RefreshCw size={13} aria-hidden />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Partitions: offsets and lag">
        <ActionIcon
          variant={showPartitions ? 'light' : 'default'}
          aria-label="Partitions: offsets and lag"
          aria-pressed={showPartitions}
          onClick={() => props.onShowPartitions(!showPartitions)}
          data-testid="message-partitions"
        >
          <Rows3 size={13} aria-hidden />
        </ActionIcon>
      </Tooltip>
      <Button
        component="a"
        variant="default"
        size="compact-xs"
        leftSection={<Download size={12} aria-hidden />}
        href={`/api/runs/${encodeURIComponent(live.runId)}/topics/${encodeURIComponent(topicId)}/messages.jsonl`}
        download
        data-testid="messages-export"
      >
        JSONL
      </Button>
    </search>
  );
}

function topicLabel(live: LiveRun, topic: BrowsableTopic): string {
  const count = topic.messages === null ? '' : ` · ${exactNumber(topic.messages)}`;
  return `${live.nodeName(topic.id)}${count}`;
}

function withPartition(query: TopicQuery, partition: number | null): TopicQuery {
  if (partition === null) return { from: 'newest', partition, key: query.key };
  return { ...query, partition };
}

function fromOffset(query: TopicQuery, offset: number): TopicQuery {
  return { from: 'offset', partition: query.partition ?? 0, offset, key: query.key };
}

function fromNewest({ partition, key }: TopicQuery): TopicQuery {
  return { from: 'newest', partition, key };
}

/** Asks the server when typing pauses, not for each letter. */
function KeyFilter({ value, onChange }: { value: string; onChange: (key: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), 300);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <TextInput
      w={130}
      placeholder="Key"
      aria-label="Only messages with this key"
      value={text}
      maxLength={1024}
      onChange={(event) => setText(event.currentTarget.value)}
      data-testid="message-key"
    />
  );
}

type PageButtonProps = {
  label: string;
  target: TopicQuery | null;
  onQuery: (query: TopicQuery) => void;
  children: React.ReactNode;
};

function PageButton({ label, target, onQuery, children }: PageButtonProps) {
  return (
    <Tooltip label={target ? `${label} messages` : `No ${label.toLowerCase()} messages`}>
      <ActionIcon
        variant="default"
        aria-label={`${label} messages`}
        aria-disabled={target === null}
        data-disabled={target === null || undefined}
        onClick={() => {
          if (target) onQuery(target);
        }}
      >
        {children}
      </ActionIcon>
    </Tooltip>
  );
}
