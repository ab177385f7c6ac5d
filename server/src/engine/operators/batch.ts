import type { OperatorOf } from './operator.ts';

export const batch: OperatorOf<'batch'> = ({ config }) => ({
  family: 'consumer',
  runtime: 'native',
  module: null,
  keepsState: true,
  stateScope: config.scope === 'key' ? 'key-in-partition' : 'partition',
  pacing: null,
  passesThrough: false,
  outputsMayBeOpen: true,
  droppedWhenSilent: null,
});
