import type { OperatorOf } from './operator.ts';

export const transform: OperatorOf<'transform'> = ({ config }) => ({
  family: 'consumer',
  runtime: 'sandbox',
  module: {
    code: transformModule(config.expression, config.eventType),
    timeoutMs: config.timeoutMs,
    memoryMb: config.memoryMb,
  },
  keepsState: false,
  stateScope: 'key',
  pacing: null,
  passesThrough: false,
  outputsMayBeOpen: true,
  droppedWhenSilent: 'The expression gave undefined.',
});

/**
 * The value of the expression becomes the payload; subject and key stay. What follows the expression stands on a line of
 * its own, so that a comment at its end does not swallow it.
 */
function transformModule(expression: string, eventType: string): string {
  const options = `{ subject: event.subject ?? undefined${eventType === '' ? '' : `, type: ${JSON.stringify(eventType)}`} }`;
  return `export function handle(event, ctx) { const value = (${expression}\n);\nif (value !== undefined) ctx.emit('out', value, ${options});\n}\n`;
}
