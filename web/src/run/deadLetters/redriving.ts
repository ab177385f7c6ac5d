import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { isActive, type LiveRun } from '../../live/liveRun.ts';
import type { RunOperator } from '../operator.ts';
import type { RedriveJob } from './redrivePlan.ts';

/**
 * Starts the jobs one after the other: each is whole on the server, so what is closed or cancelled in between has begun
 * nothing that it does not finish, and can be taken up again from the list of redrives.
 */
export async function redriveAll(
  live: LiveRun,
  operator: RunOperator,
  jobs: readonly RedriveJob[],
): Promise<void> {
  for (const { topicId, selection } of jobs) {
    const started = await operator.redrive({ topicId, selection, dryRun: false });
    const status = started.status === 'running' ? await whenOver(live, started.id) : started.status;
    if (status === 'cancelled') return;
  }
}

/** Resolves when the metrics say that the redrive is not running any more. */
function whenOver(live: LiveRun, redriveId: string): Promise<'cancelled' | 'done'> {
  return new Promise((resolve, reject) => {
    const leave: (() => void)[] = [];
    const look = (): void => {
      const status = live.metrics.latest?.redrives.find(({ id }) => id === redriveId)?.status;
      const isOver = status === 'cancelled' || status === 'done';
      if (!isOver && isActive(live.status)) return;
      for (const off of leave) off();
      if (isOver) resolve(status);
      else reject(new WorkbenchError('RUN_NOT_ACTIVE', 'The run ended before everything was sent back.'));
    };
    leave.push(live.metrics.changed.subscribe(look), live.changed.subscribe(look));
    look();
  });
}
