import type { OperatorOf } from './operator.ts';

export const call: OperatorOf<'call'> = () => ({
  family: 'consumer',
  runtime: 'call',
  module: null,
  keepsState: false,
  stateScope: 'key',
  pacing: null,
  passesThrough: false,
  outputsMayBeOpen: true,
  droppedWhenSilent: null,
});
