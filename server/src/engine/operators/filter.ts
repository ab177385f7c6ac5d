import type { OperatorOf } from './operator.ts';

export const filter: OperatorOf<'filter'> = ({ config }) => ({
  family: 'consumer',
  runtime: 'sandbox',
  module: { code: filterModule(config.expression), timeoutMs: config.timeoutMs, memoryMb: config.memoryMb },
  keepsState: false,
  stateScope: 'key',
  pacing: null,
  passesThrough: true,
  outputsMayBeOpen: true,
  droppedWhenSilent: null,
});

/** What follows the expression stands on a line of its own, so that a comment at its end does not swallow it. */
function filterModule(expression: string): string {
  return `export function handle(event, ctx) { const holds = (${expression}\n);\nif (holds) ctx.emit('out', null);\n}\n`;
}
