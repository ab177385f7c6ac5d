import type { OperatorOf } from './operator.ts';

export const file: OperatorOf<'file'> = () => ({
  family: 'consumer',
  runtime: 'file',
  module: null,
  keepsState: false,
  stateScope: 'key',
  pacing: null,
  passesThrough: false,
  outputsMayBeOpen: false,
  droppedWhenSilent: null,
});
