import type { OperatorOf, Pacing } from './operator.ts';

export const replay: OperatorOf<'replay'> = ({ config }) => ({
  family: 'producer',
  pacing: pacingOf(config.speed),
  endless: false,
  keyPath: '',
  eventType: config.eventType,
});

type Speed = Parameters<typeof replay>[0]['config']['speed'];

function pacingOf(speed: Speed): Pacing {
  if (speed.mode === 'rate') return { mode: 'rate', perSecond: speed.ratePerSecond };
  // The source has applied the speed-up to each item's dueMs.
  return speed.mode === 'by-time' ? { mode: 'by-time', waitsWhilePaused: true } : { mode: 'full' };
}
