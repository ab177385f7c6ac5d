import type { OperatorOf } from './operator.ts';

export const database: OperatorOf<'database'> = () => ({
  family: 'consumer',
  runtime: 'database',
  module: null,
  keepsState: false,
  stateScope: 'key',
  pacing: null,
  passesThrough: true,
  outputsMayBeOpen: true,
  droppedWhenSilent: null,
});
