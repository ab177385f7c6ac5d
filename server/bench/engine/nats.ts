import {
  AckPolicy,
  type JetStreamClient,
  jetstream,
  jetstreamManager,
  StorageType,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { inFolder } from '../folders.ts';
import { freePort, withServer } from './serverProcess.ts';
import { HOPS, handled, mustBeAll, produced } from './stages.ts';

/** Publishes that wait for their acknowledgement at once, per stage. */
const IN_FLIGHT_MAX = 500;
const stream = (hop: number): string => `STAGE_${hop}`;
const subject = (hop: number): string => `stage.${hop}`;

/**
 * The same hops through NATS JetStream with file storage at its default, which syncs to disk every two minutes: produce,
 * then twice consume and produce, then consume. A message is acknowledged to its stream when the next stream has
 * acknowledged what became of it.
 */
export function measureNats({ messages }: { messages: number }): Promise<{ seconds: number }> {
  return inFolder(async (folder) => {
    const port = await freePort();
    const { value: connection, stop } = await withServer(
      'nats-server',
      ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port)],
      () => connect({ servers: `127.0.0.1:${port}` }),
    );
    try {
      return { seconds: await throughStreams(connection, messages) };
    } finally {
      await connection.close();
      await stop();
    }
  });
}

async function throughStreams(connection: NatsConnection, messages: number): Promise<number> {
  const manager = await jetstreamManager(connection);
  const js = jetstream(connection);
  for (let hop = 0; hop < HOPS; hop++) {
    await manager.streams.add({ name: stream(hop), subjects: [subject(hop)], storage: StorageType.File });
    await manager.consumers.add(stream(hop), {
      durable_name: 'stage',
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: 2 * IN_FLIGHT_MAX,
    });
  }
  const startedAt = performance.now();
  const stages = Array.from({ length: HOPS - 1 }, (_, hop) => passOn(js, hop, messages));
  await Promise.all([produce(js, messages), ...stages, drain(js, messages)]);
  return (performance.now() - startedAt) / 1000;
}

async function produce(js: JetStreamClient, messages: number): Promise<void> {
  const underWay = new Set<Promise<unknown>>();
  for (let index = 0; index < messages; index++) {
    if (underWay.size >= IN_FLIGHT_MAX) await Promise.race(underWay);
    const sent: Promise<unknown> = js.publish(subject(0), produced(index)).then(() => underWay.delete(sent));
    underWay.add(sent);
  }
  await Promise.all(underWay);
}

async function passOn(js: JetStreamClient, hop: number, messages: number): Promise<void> {
  const consumer = await js.consumers.get(stream(hop), 'stage');
  const incoming = await consumer.consume({ max_messages: IN_FLIGHT_MAX });
  const underWay: Promise<unknown>[] = [];
  for await (const message of incoming) {
    underWay.push(js.publish(subject(hop + 1), handled(message.string())).then(() => message.ack()));
    if (underWay.length === messages) break;
  }
  await Promise.all(underWay);
}

async function drain(js: JetStreamClient, messages: number): Promise<void> {
  const consumer = await js.consumers.get(stream(HOPS - 1), 'stage');
  const incoming = await consumer.consume({ max_messages: IN_FLIGHT_MAX });
  const indexes = new Set<number>();
  for await (const message of incoming) {
    indexes.add(message.json<{ index: number }>().index);
    message.ack();
    if (indexes.size === messages) break;
  }
  mustBeAll(indexes, messages, 'JetStream');
}
