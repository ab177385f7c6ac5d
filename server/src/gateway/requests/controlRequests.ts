import type { HandlersOf } from '../handlers.ts';
import type { Runs } from '../runs.ts';

type Names =
  | 'run.injectFault'
  | 'run.healFault'
  | 'run.pauseGroup'
  | 'run.resumeGroup'
  | 'run.scaleGroup'
  | 'run.seek'
  | 'run.redrive'
  | 'run.cancelRedrive'
  | 'run.resumeRedrive';

/** What a person does to a run while it goes on; the engine of the run answers. */
export function controlRequests({ runs }: { runs: Runs }): HandlersOf<Names> {
  return {
    'run.injectFault': ({ runId, fault }) => runs.command(runId, { type: 'inject-fault', fault }),
    'run.healFault': ({ runId, faultId }) => runs.command(runId, { type: 'heal-fault', faultId }),
    'run.pauseGroup': async ({ runId, nodeId }) => {
      await runs.command(runId, { type: 'pause-group', node: nodeId });
      return {};
    },
    'run.resumeGroup': async ({ runId, nodeId }) => {
      await runs.command(runId, { type: 'resume-group', node: nodeId });
      return {};
    },
    'run.scaleGroup': async ({ runId, nodeId, instances }) => {
      await runs.command(runId, { type: 'scale-group', node: nodeId, instances });
      return {};
    },
    'run.seek': async ({ runId, nodeId, topicId, partition, to }) => {
      const { moved } = await runs.seek(runId, { node: nodeId, topic: topicId, partition, to });
      return {
        moved: moved.map(({ topic, ...rest }) => ({ topicId: topic, ...rest })),
      };
    },
    'run.redrive': ({ runId, parts, dryRun }) => runs.command(runId, { type: 'redrive', parts, dryRun }),
    'run.cancelRedrive': ({ runId, redriveId }) => runs.command(runId, { type: 'cancel-redrive', redriveId }),
    'run.resumeRedrive': ({ runId, redriveId }) => runs.command(runId, { type: 'resume-redrive', redriveId }),
  };
}
