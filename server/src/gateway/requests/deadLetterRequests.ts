import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { deadLetterTopics } from '@millrace/shared/flow/deadLetterTopics.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { deadLetterCauses } from '../deadLetterCauses.ts';
import type { HandlersOf } from '../handlers.ts';
import type { ReaderCache } from '../readers.ts';
import type { Runs } from '../runs.ts';

export type DeadLetterRequestsOptions = {
  runs: Runs;
  readers: ReaderCache;
  versionOf(flowId: string, version: number): FlowDocument | null;
};

/** Rule DL4: why messages were given up. Works the same while the run goes on and afterwards. */
export function deadLetterRequests({
  runs,
  readers,
  versionOf,
}: DeadLetterRequestsOptions): HandlersOf<'deadLetters.causes'> {
  return {
    'deadLetters.causes': ({ runId, topicId }) => {
      const { summary } = runs.get(runId);
      const document = versionOf(summary.flowId, summary.version);
      const all = document === null ? [] : deadLetterTopics(document);
      const chosen = topicId === null ? all : all.filter((topic) => topic.topicId === topicId);
      if (topicId !== null && chosen.length === 0)
        throw new WorkbenchError('TOPIC_NOT_FOUND', 'This flow has no such topic of dead letters.');
      return deadLetterCauses(() => readers.messages(summary.id), chosen);
    },
  };
}
