import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { HandlersOf } from '../handlers.ts';
import { LOG_LINES_KEPT, WATCHED_RUNS_PER_CLIENT_MAX } from '../limits.ts';
import type { ReaderCache } from '../readers.ts';
import type { RunStreams } from '../runStreams.ts';
import type { Runs } from '../runs.ts';

export type RunRequestsOptions = { runs: Runs; streams: RunStreams; readers: ReaderCache };

type Names =
  | 'run.start'
  | 'run.list'
  | 'run.pause'
  | 'run.resume'
  | 'run.step'
  | 'run.stop'
  | 'run.delete'
  | 'run.watch'
  | 'run.unwatch';

export function runRequests({ runs, streams, readers }: RunRequestsOptions): HandlersOf<Names> {
  return {
    'run.start': ({ flowId, paused }) => runs.start(flowId, paused),
    'run.list': ({ flowId, text }) => ({ runs: runs.list(flowId, text) }),
    'run.pause': ({ runId }) => runs.pause(runId),
    'run.resume': ({ runId }) => runs.resume(runId),
    'run.step': ({ runId }) => runs.step(runId),
    'run.stop': ({ runId }) => runs.stop(runId),
    'run.delete': async ({ runId }) => {
      await runs.delete(runId);
      return {};
    },
    'run.watch': ({ runId, afterSeq, traces, logs }, client) => {
      const { summary, metrics, notices } = runs.get(runId);
      if (streams.watchedBy(client) >= WATCHED_RUNS_PER_CLIENT_MAX) {
        throw new WorkbenchError(
          'BACKLOG_FULL',
          `A page can watch ${WATCHED_RUNS_PER_CLIENT_MAX} runs at a time.`,
        );
      }
      const { nextSeq, gap } = streams.watch(client, runId, { afterSeq, traces, logs });
      return {
        run: summary,
        metrics,
        nextSeq,
        gap,
        notices,
        logs: logs ? readers.traces(runId).logs(LOG_LINES_KEPT) : [],
      };
    },
    'run.unwatch': ({ runId }, client) => {
      streams.unwatch(client, runId);
      return {};
    },
  };
}
