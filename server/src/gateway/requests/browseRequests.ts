import type { HandlersOf } from '../handlers.ts';
import type { ReaderCache } from '../readers.ts';
import type { Runs } from '../runs.ts';
import { browseMessage, browseTopic } from '../topicBrowser.ts';

export type BrowseRequestsOptions = { runs: Runs; readers: ReaderCache };

/** What a run has written: its traces and the messages of its topics. Works the same while it runs and afterwards. */
export function browseRequests({
  runs,
  readers,
}: BrowseRequestsOptions): HandlersOf<'trace.list' | 'trace.get' | 'topic.read' | 'message.get'> {
  /** An unknown run is refused before anything is opened for it. */
  const known = (runId: string): string => runs.get(runId).summary.id;
  return {
    'trace.list': ({ runId, ...query }) => readers.traces(known(runId)).list(query),
    'trace.get': ({ runId, correlationId }) => readers.traces(known(runId)).get(correlationId),
    'topic.read': ({ runId, ...query }) => browseTopic(readers.messages(known(runId)), query),
    'message.get': ({ runId, topicId, partition, offset }) => ({
      message: browseMessage(readers.messages(known(runId)), topicId, partition, offset),
    }),
  };
}
