import type { OperatorOf } from './operator.ts';

/** A calendar has no last day, so a run with a schedule goes on until it is stopped. */
export const schedule: OperatorOf<'schedule'> = ({ config }) => ({
  family: 'producer',
  pacing: { mode: 'by-time', waitsWhilePaused: false },
  endless: true,
  keyPath: '',
  eventType: config.eventType,
});
