import { toWorkbenchError, type WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { BrowsedMessage } from '@millrace/shared/protocol/entities.ts';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { LiveRun } from '../live/liveRun.ts';
import type { RunReader } from '../live/watch.tsx';
import { inShownOrder, requestOf, type TopicQuery } from './topicQuery.ts';

/** While refreshing, a topic that grows is read again this often. */
const REFRESH_MS = 1_000;

export type TopicPage = {
  messages: BrowsedMessage[];
  partitions: { start: number; end: number }[];
};
export type TopicMessages = {
  page: TopicPage | null;
  loading: boolean;
  error: WorkbenchError | null;
  reload: () => void;
};

/** One page of a topic. With `refreshing` it is read again whenever the metrics say that the topic has grown. */
export function useTopicMessages(
  live: LiveRun,
  reader: RunReader,
  topicId: string,
  query: TopicQuery,
  refreshing: boolean,
): TopicMessages {
  const [state, setState] = useState<Omit<TopicMessages, 'reload'>>({
    page: null,
    loading: true,
    error: null,
  });
  const question = useRef(0);

  const read = useCallback(async (): Promise<void> => {
    const asked = ++question.current;
    setState((before) => ({ ...before, loading: true }));
    try {
      const answer = await reader.readTopic(requestOf(topicId, query));
      if (asked !== question.current) return;
      const page = { messages: inShownOrder(answer.messages, query), partitions: answer.partitions };
      setState({ page, loading: false, error: null });
    } catch (thrown) {
      if (asked === question.current)
        setState({ page: null, loading: false, error: toWorkbenchError(thrown) });
    }
  }, [reader, topicId, query]);

  useEffect(() => {
    setState({ page: null, loading: true, error: null });
    void read();
    return () => {
      question.current++;
    };
  }, [read]);

  useEffect(() => {
    if (!refreshing) return;
    const endNow = (): string => JSON.stringify(live.metrics.latest?.topics[topicId]?.end ?? null);
    let seen = endNow();
    const timer = setInterval(() => {
      const end = endNow();
      if (end === seen) return;
      seen = end;
      void read();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [refreshing, live, topicId, read]);

  return { ...state, reload: () => void read() };
}
