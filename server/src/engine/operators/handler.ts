import type { OperatorOf } from './operator.ts';

export const handler: OperatorOf<'handler'> = ({ config }) => ({
  family: 'consumer',
  runtime: 'sandbox',
  module: { code: config.code, timeoutMs: config.timeoutMs, memoryMb: config.memoryMb },
  keepsState: true,
  stateScope: 'key',
  pacing: null,
  passesThrough: false,
  outputsMayBeOpen: false,
  droppedWhenSilent: null,
});
