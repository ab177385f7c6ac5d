import type {
  EventName,
  EventOf,
  Reply,
  RequestName,
  RequestOf,
  ResponseOf,
} from '@millrace/shared/protocol/catalog.ts';
import { PROTOCOL_NUMBER } from '@millrace/shared/protocol/version.ts';
import { io } from 'socket.io-client';

/** Far more than any answer takes, also on a machine that does ten other things. */
const ANSWER_MS_MAX = 60_000;

/** A page's connection without a page: for tests that drive the server from outside. */
export type Client = {
  request<Name extends RequestName>(name: Name, request: RequestOf<Name>): Promise<ResponseOf<Name>>;
  on<Name extends EventName>(name: Name, listener: (event: EventOf<Name>) => void): void;
  close(): void;
};

export async function connectClient(url: string): Promise<Client> {
  const socket = io(url, {
    transports: ['websocket'],
    reconnection: false,
    auth: { protocol: PROTOCOL_NUMBER, clientId: `test-${process.pid}-${Math.round(performance.now())}` },
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', reject);
  });
  return {
    request: async (name, request) => {
      const reply = (await socket.timeout(ANSWER_MS_MAX).emitWithAck(name, request)) as Reply<
        ResponseOf<typeof name>
      >;
      if (!reply.ok)
        throw Object.assign(new Error(`${name}: ${reply.error.message}`), {
          code: reply.error.code,
          details: reply.error.details,
        });
      return reply.value;
    },
    on: (name, listener) => {
      // The catalog types the payload; Socket.IO's own listener type is wider.
      socket.on(name as string, listener as (event: unknown) => void);
    },
    close: () => {
      socket.disconnect();
    },
  };
}
