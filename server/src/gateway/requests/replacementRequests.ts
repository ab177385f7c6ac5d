import type { HandlersOf } from '../handlers.ts';
import type { Runs } from '../runs.ts';

type Names = 'run.previewReplacement' | 'run.replace' | 'run.fork';

/** Rules RN4 and RN5: a run goes on with other code, or another run does again what it did. */
export function replacementRequests({ runs }: { runs: Runs }): HandlersOf<Names> {
  return {
    'run.previewReplacement': ({ runId }) => runs.previewReplacement(runId),
    'run.replace': ({ runId, expectedVersion, expectedRevision }) =>
      runs.replace(runId, { version: expectedVersion, revision: expectedRevision }),
    'run.fork': (point) => runs.fork(point),
  };
}
