import { createEmbeddedBroker } from '../embedded/embeddedBroker.ts';
import { appendOf, testMessage } from './testMessages.ts';

/**
 * Writes without end and prints the index of each message once it is acknowledged. The crash test kills it in mid-write
 * and looks for all that it printed.
 */
const [folder, durability] = process.argv.slice(2) as [string, 'fsync' | 'relaxed'];
const broker = await createEmbeddedBroker({ folder, durability });
await broker.open([{ topic: 'orders', partitions: 4 }]);
let next = (await broker.offsets('orders')).reduce((sum, { end }) => sum + end, 0);

async function writeForEver(): Promise<never> {
  for (;;) {
    const index = next++;
    const batch = appendOf('orders', index % 4, [testMessage(index)]);
    batch.commits.push({ group: 'writer', topic: 'orders', partition: index % 4, offset: index });
    const { bases } = await broker.write(batch);
    process.stdout.write(`${index} ${index % 4} ${bases[0]}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, writeForEver));
