import { afterAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../sandbox.ts';
import { deliveryOf, invocationOf, okOf } from './deliveries.ts';

const NODE = 'node:counting';
const CODE = `let count = 0; export function handle(event, ctx) { ctx.emit('out', ++count); }`;

/** Members of a consumer group run the same module, each with variables of its own. */
export function registerInstances(create: () => Sandbox): void {
  describe('instances of a node', () => {
    const sandbox = create();
    afterAll(() => sandbox.close());
    const countOf = async (instance: number): Promise<string | undefined> => {
      const [outcome] = await sandbox.invoke({ ...invocationOf(NODE, [deliveryOf({})]), instance }, 0);
      return okOf(outcome).emits[0]?.data;
    };

    it('[CG2] have variables of their own, and lose them when they crash', async () => {
      await sandbox.load({ node: NODE, code: CODE, timeoutMs: 1000, memoryMb: 32 });
      expect([await countOf(0), await countOf(0), await countOf(1)]).toEqual(['1', '2', '1']);
      sandbox.reset(NODE, 0);
      expect([await countOf(0), await countOf(1)]).toEqual(['1', '2']);
    });
  });
}
