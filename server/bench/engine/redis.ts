import { createClient } from '@redis/client';
import { inFolder } from '../folders.ts';
import { freePort, withServer } from './serverProcess.ts';
import { HOPS, handled, mustBeAll, produced } from './stages.ts';

const BATCH = 256;
const BLOCK_MS = 1000;
const GROUP = 'stage';
const stream = (hop: number): string => `stage:${hop}`;

/**
 * The same hops through Redis Streams with consumer groups, and every write on disk before it is answered (append-only
 * file, fsync always). What is asked for in one turn of the loop travels as one pipeline, as the client does by itself.
 */
export function measureRedis({ messages }: { messages: number }): Promise<{ seconds: number }> {
  return inFolder(async (folder) => {
    const port = await freePort();
    const open = () => openClient(port);
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    const { value: first, stop } = await withServer(
      'redis-server',
      [...args, '--appendonly', 'yes', '--appendfsync', 'always'],
      open,
    );
    // A blocking read holds up its connection, so each stage has one to read and one to write.
    const readers = [first, await open(), await open()];
    const writer = await open();
    try {
      for (let hop = 0; hop < HOPS; hop++) {
        await writer.xGroupCreate(stream(hop), GROUP, '0', { MKSTREAM: true });
      }
      const startedAt = performance.now();
      const stages = readers.map((reader, hop) => consume({ reader, writer, hop, messages }));
      await Promise.all([produce(writer, messages), ...stages]);
      return { seconds: (performance.now() - startedAt) / 1000 };
    } finally {
      for (const client of [...readers, writer]) client.destroy();
      await stop();
    }
  });
}

type Client = Awaited<ReturnType<typeof openClient>>;

function openClient(port: number) {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: false } });
  // A refused connection is answered by `connect`; without a listener it would end the process as well.
  client.on('error', () => {});
  return client.connect();
}

async function produce(writer: Client, messages: number): Promise<void> {
  for (let from = 0; from < messages; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, messages - from) }, (_, i) => produced(from + i));
    await Promise.all(batch.map((data) => writer.xAdd(stream(0), '*', { data })));
  }
}

type Stage = { reader: Client; writer: Client; hop: number; messages: number };
type Entry = { id: string; message: { data?: string } };

async function consume({ reader, writer, hop, messages }: Stage): Promise<void> {
  const indexes = new Set<number>();
  for (let taken = 0; taken < messages; ) {
    const answer = (await reader.xReadGroup(
      GROUP,
      'one',
      { key: stream(hop), id: '>' },
      { COUNT: BATCH, BLOCK: BLOCK_MS },
    )) as { messages: Entry[] }[] | null;
    const entries = answer?.[0]?.messages ?? [];
    if (entries.length === 0) continue;
    taken += entries.length;
    if (hop < HOPS - 1) {
      await Promise.all(
        entries.map(({ message }) =>
          writer.xAdd(stream(hop + 1), '*', { data: handled(message.data ?? '') }),
        ),
      );
    } else for (const { message } of entries) indexes.add(indexOf(message.data ?? ''));
    await writer.xAck(
      stream(hop),
      GROUP,
      entries.map(({ id }) => id),
    );
  }
  if (hop === HOPS - 1) mustBeAll(indexes, messages, 'Redis');
}

function indexOf(text: string): number {
  return (JSON.parse(text) as { index: number }).index;
}
