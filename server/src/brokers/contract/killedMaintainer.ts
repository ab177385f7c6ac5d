import { createEmbeddedBroker } from '../embedded/embeddedBroker.ts';
import { CLEANED_TOPICS, cleanedMessage } from './cleanedTopics.ts';
import { appendOf } from './testMessages.ts';

/**
 * Writes to a compacted topic and to a short one, and cleans them at the same time, without end. Prints `end` and the end
 * of both once a batch is acknowledged, `slice` in the middle of cleaning. The crash test kills it there.
 */
const BATCH_MESSAGES = 40;

const [folder] = process.argv.slice(2) as [string];
const broker = await createEmbeddedBroker({ folder, durability: 'fsync' });
await broker.open(CLEANED_TOPICS);

async function writeForEver(): Promise<never> {
  for (;;) {
    const ends: number[] = [];
    for (const { topic } of CLEANED_TOPICS) {
      const [partition] = await broker.offsets(topic);
      const end = partition?.end ?? 0;
      const messages = Array.from({ length: BATCH_MESSAGES }, (_, index) => cleanedMessage(end + index));
      await broker.write(appendOf(topic, 0, messages, 1000));
      ends.push(end + BATCH_MESSAGES);
    }
    process.stdout.write(`end ${ends.join(' ')}\n`);
  }
}

async function cleanForEver(): Promise<never> {
  for (;;) {
    const { more } = await broker.maintain(2000);
    if (more) process.stdout.write('slice\n');
  }
}

await Promise.all([writeForEver(), cleanForEver()]);
