import { HANDLER_TYPES } from '@millrace/shared/flow/handlerTypes.ts';
import { afterAll, expect, it } from 'vitest';
import { createSandbox } from '../isolatedSandbox.ts';
import { stripTypes } from '../typeStripping.ts';
import { deliveryOf, invocationOf, okOf } from './deliveries.ts';
import { registerInstances } from './instancesContract.ts';
import { registerSandboxContract } from './sandboxContract.ts';

registerSandboxContract('isolated-vm', createSandbox);
registerInstances(createSandbox);

const sandbox = createSandbox();
afterAll(() => sandbox.close());

/** Names of the members that an interface of the published types has, without those of nested ones. */
function membersOf(interfaceName: string): string[] {
  const body =
    new RegExp(`^interface ${interfaceName}[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(HANDLER_TYPES)?.[1] ?? '';
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)[?:(]/gm)].map((match) => match[1] ?? '').sort();
}

it('[HD1] gives handler code exactly what the published types say', async () => {
  expect(() => stripTypes(HANDLER_TYPES)).not.toThrow();
  const code = `export const handle = (event, ctx) => ctx.emit('out', [Object.keys(event), Object.keys(ctx)]);`;
  await sandbox.load({ node: 'node:types', code, timeoutMs: 1000, memoryMb: 32 });
  const [outcome] = await sandbox.invoke(invocationOf('node:types', [deliveryOf({})]), 0);
  const [event = [], ctx = []] = JSON.parse(okOf(outcome).emits[0]?.data ?? '[]') as string[][];
  expect(event.sort()).toEqual(membersOf('HandlerEvent'));
  expect(ctx.sort()).toEqual(membersOf('HandlerContext'));
});
