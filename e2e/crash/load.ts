import { setTimeout as delay } from 'node:timers/promises';
import { CURE, INGEST_ADDRESS, KEYS, POISON_EVERY, webCustomer } from './crashFlow.ts';

const ACCEPTED = 202;
const ANSWER_MS_MAX = 10_000;
/** A sender that is refused tries again after so long. */
const RETRY_MS = 20;
/** What is posted stays a trickle beside the generator: the acknowledgements matter, not their number. */
const PAUSE_MS = 4;

/**
 * Programs that post messages, as programs do: each sends the next message only when the last was acknowledged, and sends
 * the same message, under the same id, until it is. Where the server took a message and died before it said so, the topic
 * then holds it twice.
 */
export type Load = {
  /** Ids the server said are on disk. */
  readonly acknowledged: ReadonlySet<string>;
  /** Posts that were sent more than once. */
  readonly resent: number;
  /** Null while no server is there. */
  pointAt(url: string | null): void;
  /** Resolves when every message that was begun is acknowledged. */
  finish(): Promise<void>;
  /** Resolves when each key has been sent what makes its poisoned messages wholesome. */
  cure(): Promise<void>;
};

export function startLoad(senders: number): Load {
  const acknowledged = new Set<string>();
  let resent = 0;
  let url: string | null = null;
  let finishing = false;

  const post = async (server: string, id: string, data: object): Promise<boolean> => {
    try {
      const response = await fetch(server + INGEST_ADDRESS, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json' },
        body: JSON.stringify({ specversion: '1.0', id, source: '/crash-test', type: 'test.ingested', data }),
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      await response.arrayBuffer();
      return response.status === ACCEPTED;
    } catch {
      // The server died in the middle: nobody knows whether the message was taken.
      return false;
    }
  };

  const sendUntilAcknowledged = async (id: string, data: object): Promise<void> => {
    for (let sent = 0; !acknowledged.has(id); ) {
      if (url === null) await delay(RETRY_MS);
      else {
        if (sent++ === 1) resent++;
        if (await post(url, id, data)) acknowledged.add(id);
        else await delay(RETRY_MS);
      }
    }
  };
  const sender = async (name: number): Promise<void> => {
    for (let index = 0; !finishing; index++) {
      const poison = (index * (name + 1)) % POISON_EVERY;
      await sendUntilAcknowledged(`web-${name}-${index}`, { customer: webCustomer(index), poison });
      await delay(PAUSE_MS);
    }
  };
  const running = Promise.all(Array.from({ length: senders }, (_, name) => sender(name)));

  return {
    acknowledged,
    get resent() {
      return resent;
    },
    pointAt: (next) => {
      url = next;
    },
    finish: async () => {
      finishing = true;
      await running;
    },
    cure: async () => {
      await Promise.all(
        KEYS.map((customer) => sendUntilAcknowledged(`cure-${customer}`, { customer, [CURE]: true })),
      );
    },
  };
}
