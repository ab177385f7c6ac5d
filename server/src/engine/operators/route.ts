import { OTHERWISE_PORT } from '@millrace/shared/flow/records/route.ts';
import type { OperatorOf } from './operator.ts';

export const route: OperatorOf<'route'> = ({ config }) => ({
  family: 'consumer',
  runtime: 'sandbox',
  module: { code: routeModule(config.routes), timeoutMs: config.timeoutMs, memoryMb: config.memoryMb },
  keepsState: false,
  stateScope: 'key',
  pacing: null,
  passesThrough: true,
  outputsMayBeOpen: true,
  droppedWhenSilent: null,
});

/**
 * One expression after the other; the first that holds takes the message. An error says whose expression threw, because
 * a line cannot: every route is a text field of its own.
 */
function routeModule(routes: { port: string; when: string }[]): string {
  const rules = routes.map(
    ({ port, when }) =>
      `current = ${JSON.stringify(port)}; if (${when}\n) { ctx.emit(current, null); return; }\n`,
  );
  const otherwise = `ctx.emit(${JSON.stringify(OTHERWISE_PORT)}, null);\n`;
  const naming =
    "if (thrown instanceof Error) thrown.message = 'Output ' + current + ': ' + thrown.message;\nthrow thrown;\n";
  return `export function handle(event, ctx) { let current; try { ${rules.join('')}${otherwise}} catch (thrown) {\n${naming}}\n}\n`;
}
