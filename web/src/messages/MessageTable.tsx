import type { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { BrowsedMessage } from '@millrace/shared/protocol/entities.ts';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useRef } from 'react';
import { exactNumber, formatClock, formatDateTime } from '../live/format.ts';
import type { MessageRef } from '../live/watch.tsx';
import { classes } from './styles.ts';
import { PAGE_MESSAGES, type TopicQuery } from './topicQuery.ts';

const ROW_PX = 26;
const PREVIEW_CHARACTERS = 400;

type Props = {
  messages: readonly BrowsedMessage[] | null;
  loading: boolean;
  error: WorkbenchError | null;
  query: TopicQuery;
  selected: MessageRef | null;
  onSelect: (message: BrowsedMessage | null) => void;
};

export function MessageTable({ messages, loading, error, query, selected, onSelect }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = messages ?? [];
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const isSelected = (message: BrowsedMessage): boolean =>
    message.partition === selected?.partition && message.offset === selected.offset;

  const onKeyDown = (event: KeyboardEvent): void => {
    const index = rows.findIndex(isSelected);
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: index + 10,
      PageUp: index - 10,
    };
    if (event.key === 'Escape' && selected) {
      event.stopPropagation();
      onSelect(null);
    }
    const target = moves[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const at = Math.min(rows.length - 1, Math.max(0, target));
    const row = rows[at];
    if (!row) return;
    onSelect(row);
    virtual.scrollToIndex(at);
  };

  return (
    <div className={classes.table}>
      <div className={classes.head} aria-hidden>
        <span className={classes.right}>Part.</span>
        <span className={classes.right}>Offset</span>
        <span>Appended</span>
        <span>Key</span>
        <span>Type</span>
        <span>Payload</span>
      </div>
      <div
        ref={scroller}
        className={classes.rows}
        role="listbox"
        aria-label="Messages"
        aria-busy={loading}
        tabIndex={0}
        onKeyDown={onKeyDown}
        data-testid="message-rows"
        data-count={rows.length}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const message = rows[item.index];
            if (!message) return null;
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the list box handles the keys for all its rows.
              <div
                key={`${message.partition}/${message.offset}`}
                role="option"
                aria-selected={isSelected(message)}
                tabIndex={-1}
                className={classes.row}
                style={{ transform: `translateY(${item.start}px)`, height: ROW_PX }}
                data-testid="message-row"
                data-partition={message.partition}
                data-offset={message.offset}
                onClick={() => onSelect(message)}
              >
                <span className={classes.right}>{message.partition}</span>
                <span className={classes.right}>{exactNumber(message.offset)}</span>
                <time title={formatDateTime(message.appendedMs)}>{formatClock(message.appendedMs)}</time>
                <span className={classes.cut} title={message.key ?? 'no key'}>
                  {message.key ?? '–'}
                </span>
                <span className={classes.cut} title={message.type}>
                  {message.type}
                </span>
                <code className={classes.cut}>{message.data.slice(0, PREVIEW_CHARACTERS)}</code>
              </div>
            );
          })}
        </div>
        <TableState messages={messages} loading={loading} error={error} query={query} />
      </div>
      {rows.length >= PAGE_MESSAGES && query.partition === null ? (
        <p className={classes.foot}>
          The newest {PAGE_MESSAGES} of all partitions. Choose a partition to page through it.
        </p>
      ) : null}
    </div>
  );
}

function TableState({
  messages,
  loading,
  error,
  query,
}: Pick<Props, 'messages' | 'loading' | 'error' | 'query'>) {
  if (error) {
    return (
      <p className={classes.empty} role="alert">
        The topic could not be read: {error.message}
      </p>
    );
  }
  if (messages === null) return loading ? <p className={classes.empty}>Reading the topic…</p> : null;
  if (messages.length > 0) return null;
  if (query.key.trim() !== '') {
    return (
      <p className={classes.empty}>
        No message here has the key “{query.key.trim()}”. Keys are compared exactly.
      </p>
    );
  }
  return (
    <p className={classes.empty}>
      {query.from === 'offset'
        ? 'Nothing at or behind this offset yet.'
        : 'Nothing was appended to this topic yet. Messages appear here as soon as they are on disk.'}
    </p>
  );
}
