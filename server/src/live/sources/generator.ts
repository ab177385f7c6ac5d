import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import type { SourceItem } from '../../engine/io.ts';
import type { Source, SourceEnvironment } from './source.ts';
import { RandomFaker } from './template/randomFaker.ts';
import { compileJsonTemplate, compileTextTemplate } from './template/template.ts';

/**
 * Makes items from a template. The cursor is the index of the next item, and everything random about an item descends
 * from the seed, the node and its index; only `{{now}}` and `{{time}}` differ when an item is made again.
 */
export async function createGeneratorSource(
  node: FlowNodeOf<'generator'>,
  env: SourceEnvironment,
): Promise<Source> {
  const { config } = node;
  const random = new RandomFaker(env.seed, node.id);
  const payload = compileJsonTemplate('Payload', config.payload, random);
  const key = config.key === '' ? null : compileTextTemplate('Key', config.key, random);
  const count = config.count ?? Number.POSITIVE_INFINITY;
  return {
    async read(cursor, itemsMax) {
      const from = cursor === null ? 0 : indexOf(cursor);
      const until = Math.min(from + itemsMax, count);
      const timeMs = env.nowMs();
      const items: SourceItem[] = [];
      for (let index = from; index < until; index++) {
        random.moveTo(index, timeMs);
        items.push({
          data: payload({ index, timeMs }),
          type: config.eventType,
          id: null,
          timeMs: null,
          key: key === null ? null : key({ index, timeMs }),
          dueMs: null,
          cursor: String(index + 1),
        });
      }
      return { items, done: until >= count };
    },
    async close() {},
  };
}

function indexOf(cursor: string): number {
  const index = Number(cursor);
  if (Number.isSafeInteger(index) && index >= 0) return index;
  throw new WorkbenchError('SOURCE_UNREADABLE', `The saved position "${cursor}" is not that of a generator.`);
}
