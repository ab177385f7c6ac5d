import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErrorCode } from '@millrace/shared/errors/codes.ts';
import type {
  EventName,
  EventOf,
  Reply,
  RequestName,
  RequestOf,
  ResponseOf,
} from '@millrace/shared/protocol/catalog.ts';
import { PROTOCOL_NUMBER } from '@millrace/shared/protocol/version.ts';
import { io, type Socket } from 'socket.io-client';
import type { ServerConfig } from '../../config/environment.ts';
import { type RunningServer, startServer } from '../../main.ts';
import { until, WAIT_MS_MAX } from '../../testing/until.ts';

/** A whole server on a free port with a data folder of its own; for tests. */
export type TestServer = {
  address: string;
  dataFolder: string;
  /** A connected page. */
  page(clientId?: string): Promise<TestPage>;
  /** The same data folder, served anew. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

export async function startTestServer(overrides: Partial<ServerConfig> = {}): Promise<TestServer> {
  const dataFolder = overrides.dataFolder ?? (await mkdtemp(join(tmpdir(), 'millrace-server-')));
  const config: ServerConfig = {
    host: '127.0.0.1',
    port: 0,
    dataFolder,
    allowedOrigins: [],
    logLevel: 'info',
    logTo: 'file',
    ...overrides,
  };
  const pages: TestPage[] = [];
  let server: RunningServer = await startServer(config);
  return {
    get address() {
      return server.address;
    },
    dataFolder,
    page: async (clientId = 'tab-1') => {
      const page = await connectPage(server.address, clientId);
      pages.push(page);
      return page;
    },
    restart: async () => {
      for (const page of pages.splice(0)) page.close();
      await server.close();
      server = await startServer(config);
    },
    stop: async () => {
      for (const page of pages) page.close();
      await server.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

export class TestPage {
  readonly socket: Socket;
  readonly heard: { event: string; payload: unknown[] }[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.onAny((event: string, ...payload: unknown[]) => {
      this.heard.push({ event, payload });
    });
  }

  /** Rejects with the error's code in the message when the server refuses. */
  async ask<Name extends RequestName>(name: Name, request: RequestOf<Name>): Promise<ResponseOf<Name>> {
    const reply = await this.reply<ResponseOf<Name>>(name, request);
    if (reply.ok) return reply.value;
    throw new Error(`${name} was refused: ${reply.error.code} ${reply.error.message}`);
  }

  /** The error code of a request that must be refused. */
  async refusal(name: string, request: unknown): Promise<ErrorCode> {
    const reply = await this.reply(name, request);
    if (reply.ok) throw new Error(`${name} was expected to be refused`);
    return reply.error.code;
  }

  reply<Value = unknown>(name: string, request: unknown): Promise<Reply<Value>> {
    return this.socket.timeout(WAIT_MS_MAX).emitWithAck(name, request);
  }

  /** The first payload of an event, past or future, that fits. */
  async whenHeard<Name extends EventName>(
    event: Name,
    fits: (payload: EventOf<Name>) => boolean = () => true,
  ): Promise<EventOf<Name>> {
    const find = (): EventOf<Name> | undefined =>
      this.heard
        .filter((entry) => entry.event === event)
        .map((entry) => entry.payload[0] as EventOf<Name>)
        .find(fits);
    return until(`event ${event} that fits`, find);
  }

  close(): void {
    this.socket.disconnect();
  }
}

export async function connectPage(
  address: string,
  clientId: string,
  options: { protocol?: number; origin?: string } = {},
): Promise<TestPage> {
  const socket = io(address, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    auth: { protocol: options.protocol ?? PROTOCOL_NUMBER, clientId },
    ...(options.origin !== undefined ? { extraHeaders: { origin: options.origin } } : {}),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', reject);
  });
  return new TestPage(socket);
}
