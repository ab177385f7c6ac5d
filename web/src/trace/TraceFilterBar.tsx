import { ActionIcon, Button, Select, TextInput, Tooltip } from '@mantine/core';
import type { TraceStatus } from '@millrace/shared/trace/record.ts';
import { ArrowUpToLine, Pause, Play, Search } from 'lucide-react';
import { memo } from 'react';
import { exactNumber } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { classes } from './styles.ts';
import { STATUS_LABEL, TRACE_STATUSES } from './traceList.ts';
import type { TraceSearch } from './traceQuery.ts';

type Props = {
  live: LiveRun;
  search: TraceSearch;
  onSearch: (search: TraceSearch) => void;
  /** What of the query makes no sense. */
  problem: string | null;
  following: boolean;
  onFollow: (on: boolean) => void;
  newCount: number;
};

const QUERY_HELP =
  'status:failed node:charge key:a17 type:order duration>200ms code:HANDLER_THREW, or any id, key or part of a type';

/** Rendered apart from the rows, which change several times a second. */
export const TraceFilterBar = memo(function TraceFilterBar({
  live,
  search,
  onSearch,
  problem,
  following,
  onFollow,
  newCount,
}: Props) {
  const nodes = live.graph?.document.nodes ?? [];
  return (
    <search className={classes.bar}>
      <TextInput
        className={classes.grow}
        leftSection={<Search size={13} aria-hidden />}
        placeholder="Id, key or event type, or duration>200ms code:HANDLER_THREW …"
        title={QUERY_HELP}
        aria-label="Find traces by id, key, event type or a query"
        value={search.query}
        maxLength={256}
        error={problem}
        onChange={(event) => onSearch({ ...search, query: event.currentTarget.value })}
        data-testid="trace-filter-text"
      />
      <Select
        className={classes.choice}
        aria-label="Status"
        placeholder="Any status"
        clearable
        data={TRACE_STATUSES.map((status) => ({ value: status, label: STATUS_LABEL[status] }))}
        value={search.status}
        onChange={(status) => onSearch({ ...search, status: status as TraceStatus | null })}
        data-testid="trace-filter-status"
      />
      <Select
        className={classes.choice}
        aria-label="Node"
        placeholder="Any node"
        clearable
        searchable
        data={nodes.map((node) => ({ value: node.id, label: node.name }))}
        value={search.nodeId}
        onChange={(nodeId) => onSearch({ ...search, nodeId })}
        data-testid="trace-filter-node"
      />
      {newCount > 0 ? (
        <Button
          variant="light"
          size="compact-xs"
          leftSection={<ArrowUpToLine size={12} aria-hidden />}
          onClick={() => onFollow(true)}
          data-testid="traces-new"
        >
          {exactNumber(newCount)} new
        </Button>
      ) : null}
      <Tooltip label={following ? 'Hold the list still; nothing is lost' : 'Follow the newest traces'}>
        <ActionIcon
          variant="default"
          aria-label={following ? 'Pause the list' : 'Follow the newest traces'}
          aria-pressed={following}
          onClick={() => onFollow(!following)}
          data-testid="traces-follow"
        >
          {following ? <Pause size={14} aria-hidden /> : <Play size={14} aria-hidden />}
        </ActionIcon>
      </Tooltip>
    </search>
  );
});
