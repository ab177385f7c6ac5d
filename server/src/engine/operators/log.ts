import type { OperatorOf } from './operator.ts';

export const log: OperatorOf<'log'> = () => ({
  family: 'consumer',
  runtime: 'log',
  module: null,
  keepsState: false,
  stateScope: 'key',
  pacing: null,
  passesThrough: false,
  outputsMayBeOpen: false,
  droppedWhenSilent: null,
});
