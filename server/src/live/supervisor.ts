import path from 'node:path';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { RunHandle } from './runHandle.ts';
import type { Supervisor, SupervisorEvents } from './supervision.ts';

export type { Supervisor, SupervisorEvents } from './supervision.ts';

export type SupervisorOptions = {
  runsFolder: string;
  /** Where replay files are looked for, in order. */
  fileFolders: string[];
  events: SupervisorEvents;
};

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const handles = new Map<string, RunHandle>();
  const folderOf = (runId: string): string => path.join(options.runsFolder, runId.replace(':', '-'));
  const handleOf = (runId: string): RunHandle => {
    const handle = handles.get(runId);
    if (!handle)
      throw new WorkbenchError('RUN_NOT_ACTIVE', 'This run is over; start the flow again to go on.');
    return handle;
  };
  return {
    async start(run) {
      if (handles.has(run.runId))
        throw new WorkbenchError('RUN_TRANSITION_REFUSED', 'This run is active already.');
      const handle = new RunHandle({
        run,
        folder: folderOf(run.runId),
        fileFolders: options.fileFolders,
        events: options.events,
      });
      handles.set(run.runId, handle);
      void handle.over.then(() => handles.delete(run.runId));
      return handle.start();
    },
    replace: async (runId, document, version) => handleOf(runId).replace(document, version),
    request: async (runId, request) => handleOf(runId).request(request),
    watchTraces: (runId, watch) => handles.get(runId)?.watchTraces(watch),
    active: () => [...handles.keys()],
    folderOf,
    pidOf: (runId) => handles.get(runId)?.pid ?? null,
    async close() {
      await Promise.all([...handles.values()].map((handle) => handle.suspend()));
    },
  };
}
