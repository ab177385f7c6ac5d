import { OTHERWISE_PORT } from '@millrace/shared/flow/records/route.ts';
import type { OperatorOf } from './operator.ts';

export const route: OperatorOf<'route'> = ({ config }) => ({
  family: 'consumer',
  runtime: 'sandbox',
  module: { ...routeModule(config.routes), timeoutMs: config.timeoutMs, memoryMb: config.memoryMb },
  keepsState: false,
  passesThrough: true,
});

/**
 * One expression after the other; the first that holds takes the message. An error says whose expression threw, because
 * the line alone cannot: every route is a text field of its own. `lineOffset` is that of the first.
 */
function routeModule(routes: { port: string; when: string }[]): { code: string; lineOffset: number } {
  const rules = routes.map(
    ({ port, when }) =>
      `current = ${JSON.stringify(port)};\nif (\n${when}\n) { ctx.emit(current, null); return; }\n`,
  );
  return {
    code: `export function handle(event, ctx) {\nlet current; try {\n${rules.join('')}ctx.emit(${JSON.stringify(OTHERWISE_PORT)}, null);\n} catch (thrown) {\nif (thrown instanceof Error) thrown.message = 'Output ' + current + ': ' + thrown.message;\nthrow thrown;\n}\n}\n`,
    lineOffset: 4,
  };
}
