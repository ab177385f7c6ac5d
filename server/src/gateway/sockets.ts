import type { Server as HttpServer } from 'node:http';
import { type ErrorData, toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import {
  type ClientEvents,
  type EventOf,
  handshakeSchema,
  REQUESTS,
  type Reply,
  type RequestName,
  type refusalSchema,
  type ServerEvents,
  TRACE_FRAME_EVENT,
} from '@millrace/shared/protocol/catalog.ts';
import { PROTOCOL_NUMBER } from '@millrace/shared/protocol/version.ts';
import { type DefaultEventsMap, Server, type Socket } from 'socket.io';
import type { z } from 'zod';
import type { Handlers } from './handlers.ts';
import {
  OPEN_FLOWS_PER_CLIENT_MAX,
  PACKETS_WAITING_MAX,
  REQUESTS_WAITING_PER_CLIENT_MAX,
  SOCKET_MESSAGE_BYTES_MAX,
} from './limits.ts';
import { isHostAllowed, isOriginAllowed, type OriginPolicy } from './origins.ts';
import type { Broadcast, Client } from './ports.ts';

type SocketData = { client: Client };
type GatewayServer = Server<ClientEvents, ServerEvents, DefaultEventsMap, SocketData>;
type GatewaySocket = Socket<ClientEvents, ServerEvents, DefaultEventsMap, SocketData>;
type Refusal = z.infer<typeof refusalSchema>;

export type SocketLog = {
  /** `count` names what is counted, for the metrics page. */
  badRequest(code: 'REQUEST_INVALID' | 'REQUEST_UNKNOWN', event: string, why: string): void;
  failed(event: string, error: WorkbenchError): void;
  refused(reason: Refusal['reason']): void;
};

export type SocketsOptions = {
  http: HttpServer;
  origins(): OriginPolicy;
  log: SocketLog;
  onDisconnect(client: Client): void;
};

export type Sockets = {
  broadcast: Broadcast;
  /** Says something to everybody else who has opened a flow. */
  toOthersOfFlow(client: Client, patched: EventOf<'flow.patched'>): void;
  /** Begins to answer; the handlers may use everything above. */
  serve(handlers: Handlers): void;
  connected(): number;
  /** Clients notice and try again by themselves, so a restarted server gets them back. */
  close(): Promise<void>;
};

const flowRoom = (flowId: string): string => `flow/${flowId}`;

export function createSockets(options: SocketsOptions): Sockets {
  const io: GatewayServer = new Server(options.http, {
    serveClient: false,
    // Frames are dense already; deflating them costs more than it saves on the way to one's own machine.
    perMessageDeflate: false,
    maxHttpBufferSize: SOCKET_MESSAGE_BYTES_MAX,
  });
  io.use((socket, next) => {
    const refusal = refusalOf(socket, options.origins());
    if (refusal === null) return next();
    options.log.refused(refusal.reason);
    next(Object.assign(new Error(refusal.reason), { data: refusal }));
  });
  return {
    broadcast: {
      toAll: (event, payload) => {
        io.emit(event, ...eventArguments(payload));
      },
      toFlow: (flowId, event, payload) => {
        io.to(flowRoom(flowId)).emit(event, ...eventArguments(payload));
      },
    },
    toOthersOfFlow: (client, patched) => {
      io.to(flowRoom(patched.flowId)).except(client.id).emit('flow.patched', patched);
    },
    serve: (handlers) => {
      io.on('connection', (socket) => {
        const client = clientOf(socket);
        socket.data.client = client;
        answerRequests(socket, client, handlers, options.log);
        socket.on('disconnect', () => options.onDisconnect(client));
      });
    },
    connected: () => io.engine.clientsCount,
    close: () => new Promise((resolve) => void io.close(() => resolve())),
  };
}

/** Socket.IO types the arguments of an event as a tuple that depends on its name; ours all have one payload. */
function eventArguments<Payload>(payload: Payload): never {
  return [payload] as never;
}

function refusalOf(socket: GatewaySocket, origins: OriginPolicy): Refusal | null {
  const { headers, auth } = socket.handshake;
  if (!isOriginAllowed(headers, origins) || !isHostAllowed(headers, origins))
    return { reason: 'origin-refused' };
  const handshake = handshakeSchema.safeParse(auth);
  // A number that differs is said as such even when the rest of the handshake has changed with it.
  const protocol: unknown = auth.protocol;
  if (Number.isInteger(protocol) && protocol !== PROTOCOL_NUMBER)
    return { reason: 'protocol-mismatch', server: PROTOCOL_NUMBER };
  return handshake.success ? null : { reason: 'handshake-invalid' };
}

function clientOf(socket: GatewaySocket): Client {
  const openFlows: string[] = [];
  return {
    id: socket.id,
    // Checked when the connection was accepted.
    clientId: handshakeSchema.parse(socket.handshake.auth).clientId,
    emit: (event, payload) => {
      socket.emit(event, ...eventArguments(payload));
    },
    sendFrame: (runId, skipped, frame, acknowledge) => {
      socket.emit(TRACE_FRAME_EVENT, runId, skipped, frame, acknowledge);
    },
    isBusy: () => packetsWaiting(socket) > PACKETS_WAITING_MAX,
    openFlow: (flowId) => {
      const known = openFlows.indexOf(flowId);
      if (known >= 0) openFlows.splice(known, 1);
      openFlows.push(flowId);
      void socket.join(flowRoom(flowId));
      const oldest = openFlows.length > OPEN_FLOWS_PER_CLIENT_MAX ? openFlows.shift() : undefined;
      if (oldest !== undefined) void socket.leave(flowRoom(oldest));
    },
  };
}

/** Private in Engine.IO's types, but the only honest measure: `bufferedAmount` stays at 0 while packets pile up here. */
function packetsWaiting(socket: GatewaySocket): number {
  return (socket.conn as unknown as { writeBuffer: unknown[] }).writeBuffer.length;
}

type AnyHandler = (request: unknown, client: Client) => unknown;

function answerRequests(socket: GatewaySocket, client: Client, handlers: Handlers, log: SocketLog): void {
  let waiting = 0;
  const answer = async (event: string, payload: unknown): Promise<Reply<unknown>> => {
    if (!isRequestName(event)) {
      log.badRequest('REQUEST_UNKNOWN', event, 'not in the catalog');
      return refused(
        'REQUEST_UNKNOWN',
        `This server does not know the request ${event.slice(0, 64)}; reload the page.`,
      );
    }
    const parsed = REQUESTS[event].request.safeParse(payload);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const where = issue?.path.join('.') || 'request';
      log.badRequest('REQUEST_INVALID', event, `${where}: ${issue?.message ?? 'invalid'}`);
      return refused('REQUEST_INVALID', `${event}: ${where}: ${issue?.message ?? 'invalid'}.`, {
        path: issue?.path ?? [],
      });
    }
    if (waiting >= REQUESTS_WAITING_PER_CLIENT_MAX) {
      return refused('BACKLOG_FULL', 'This page has too many requests waiting.', undefined, true);
    }
    waiting++;
    try {
      // The catalog ties the name to the type that was just parsed.
      const handler = handlers[event] as AnyHandler;
      return { ok: true, value: await handler(parsed.data, client) };
    } catch (thrown) {
      const error = toWorkbenchError(thrown);
      log.failed(event, error);
      return { ok: false, error: publicData(error) };
    } finally {
      waiting--;
    }
  };
  socket.onAny((event: string, ...parameters: unknown[]) => {
    const reply = parameters.at(-1);
    void answer(event, parameters[0]).then((answered) => {
      if (typeof reply === 'function') reply(answered);
    });
  });
}

function isRequestName(event: string): event is RequestName {
  return Object.hasOwn(REQUESTS, event);
}

function refused(
  code: ErrorData['code'],
  message: string,
  details?: Record<string, unknown>,
  retryable = false,
): Reply<never> {
  return {
    ok: false,
    error: new WorkbenchError(code, message, { ...(details ? { details } : {}), retryable }).toData(),
  };
}

/** A broken invariant is logged whole; a page gets no stack and no path of this machine. */
export function publicData(error: WorkbenchError): ErrorData {
  if (error.code !== 'INTERNAL') return error.toData();
  return { code: 'INTERNAL', message: 'Something went wrong inside Millrace; the server log tells more.' };
}
