import type { OperatorOf } from './operator.ts';

export const filter: OperatorOf<'filter'> = ({ config }) => ({
  family: 'consumer',
  runtime: 'sandbox',
  module: { ...filterModule(config.expression), timeoutMs: config.timeoutMs, memoryMb: config.memoryMb },
  keepsState: false,
  passesThrough: true,
});

/** The expression stands on lines of its own, so that a comment at its end does not swallow what follows. */
function filterModule(expression: string): { code: string; lineOffset: number } {
  return {
    code: `export function handle(event, ctx) {\nconst holds = (\n${expression}\n);\nif (holds) ctx.emit('out', null);\n}\n`,
    lineOffset: 2,
  };
}
