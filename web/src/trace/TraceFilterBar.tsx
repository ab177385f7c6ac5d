import { ActionIcon, Button, Select, TextInput, Tooltip } from '@mantine/core';
import type { TraceStatus } from '@millrace/shared/trace/record.ts';
import { ArrowUpToLine, Pause, Play, Search } from 'lucide-react';
import { memo } from 'react';
import { exactNumber } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import classes from './trace.module.css';
import { STATUS_LABEL, TRACE_STATUSES, type TraceFilter } from './traceList.ts';

type Props = {
  live: LiveRun;
  filter: TraceFilter;
  onFilter: (filter: TraceFilter) => void;
  following: boolean;
  onFollow: (on: boolean) => void;
  newCount: number;
};

/** Rendered apart from the rows, which change several times a second. */
export const TraceFilterBar = memo(function TraceFilterBar({
  live,
  filter,
  onFilter,
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
        placeholder="Id, key or event type"
        aria-label="Find traces by id, key or event type"
        value={filter.text}
        maxLength={256}
        onChange={(event) => onFilter({ ...filter, text: event.currentTarget.value })}
        data-testid="trace-filter-text"
      />
      <Select
        className={classes.choice}
        aria-label="Status"
        placeholder="Any status"
        clearable
        data={TRACE_STATUSES.map((status) => ({ value: status, label: STATUS_LABEL[status] }))}
        value={filter.status}
        onChange={(status) => onFilter({ ...filter, status: status as TraceStatus | null })}
        data-testid="trace-filter-status"
      />
      <Select
        className={classes.choice}
        aria-label="Node"
        placeholder="Any node"
        clearable
        searchable
        data={nodes.map((node) => ({ value: node.id, label: node.name }))}
        value={filter.nodeId}
        onChange={(nodeId) => onFilter({ ...filter, nodeId })}
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
