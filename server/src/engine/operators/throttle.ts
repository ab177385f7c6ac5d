import type { OperatorOf } from './operator.ts';

export const throttle: OperatorOf<'throttle'> = ({ config }) => ({
  family: 'consumer',
  runtime: 'native',
  module: null,
  keepsState: false,
  stateScope: 'key',
  pacing: { perSecond: config.ratePerSecond, burst: config.burst },
  passesThrough: true,
  outputsMayBeOpen: true,
  droppedWhenSilent: null,
});
