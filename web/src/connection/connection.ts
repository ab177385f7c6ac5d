import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import {
  EVENTS,
  type EventName,
  type EventOf,
  errorDataSchema,
  REQUESTS,
  type RequestName,
  type RequestOf,
  type ResponseOf,
  refusalSchema,
  TRACE_FRAME_EVENT,
} from '@millrace/shared/protocol/catalog.ts';
import { PROTOCOL_NUMBER } from '@millrace/shared/protocol/version.ts';
import { io, type Socket } from 'socket.io-client';
import { z } from 'zod';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { CLIENT_ID } from './clientId.ts';

/** A request that has no answer by then is over; the server may still have done it. */
export const REQUEST_TIMEOUT_MS = 15_000;
const RECONNECT_DELAY_MS = 300;
const RECONNECT_DELAY_MS_MAX = 4000;

export type ConnectionStatus =
  | { state: 'connecting' }
  | { state: 'online' }
  | { state: 'offline' }
  | { state: 'refused'; reason: string };

/** What it returns resolves when the frame was taken in; it must not reject. */
export type TraceFrameListener = (
  runId: string,
  skipped: number,
  frame: Uint8Array,
) => Promise<void> | undefined;
export type Unsubscribe = () => void;

/** The one line between page and server. Everything that crosses it is parsed; it reconnects by itself. */
export interface Connection {
  readonly clientId: string;
  readonly status: StoreApi<ConnectionStatus>;
  /** Server messages that did not fit the catalog, counted since the page loaded. */
  readonly badMessages: StoreApi<{ count: number; last: string | null }>;
  request<Name extends RequestName>(name: Name, payload: RequestOf<Name>): Promise<ResponseOf<Name>>;
  on<Name extends EventName>(event: Name, listener: (payload: EventOf<Name>) => void): Unsubscribe;
  /** The frame is acknowledged once the listeners have taken it in: one that is slow slows the server's stream down. */
  onTraceFrame(listener: TraceFrameListener): Unsubscribe;
  /** Called each time the line is up again after it was down; what was watched must be asked for again. */
  onReconnect(listener: () => void): Unsubscribe;
  close(): void;
}

const replySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), error: errorDataSchema }),
]);

const OFFLINE_SENTENCE =
  'Millrace is not answering. Check that the server is running; the page reconnects by itself.';

export function connect(): Connection {
  const socket: Socket = io({
    auth: { protocol: PROTOCOL_NUMBER, clientId: CLIENT_ID },
    transports: ['websocket', 'polling'],
    reconnectionDelay: RECONNECT_DELAY_MS,
    reconnectionDelayMax: RECONNECT_DELAY_MS_MAX,
  });
  const status = createStore<ConnectionStatus>(() => ({ state: 'connecting' }));
  const badMessages = createStore<{ count: number; last: string | null }>(() => ({ count: 0, last: null }));
  const reconnectListeners = new Set<() => void>();
  const frameListeners = new Set<TraceFrameListener>();
  let wasOnline = false;

  const reportBad = (what: string, problem: string): void => {
    const { count } = badMessages.getState();
    badMessages.setState({ count: count + 1, last: `${what}: ${problem}` });
    if (count === 0)
      console.error(`The server sent a message this page does not understand (${what}). ${problem}`);
  };

  socket.on('connect', () => {
    status.setState({ state: 'online' }, true);
    if (wasOnline) for (const listener of reconnectListeners) listener();
    wasOnline = true;
  });
  socket.on('disconnect', () => status.setState({ state: 'offline' }, true));
  socket.on('connect_error', (error: Error & { data?: unknown }) => {
    const refusal = refusalSchema.safeParse(error.data);
    if (!refusal.success) {
      status.setState({ state: 'offline' }, true);
      return;
    }
    socket.disconnect();
    status.setState({ state: 'refused', reason: refusalSentence(refusal.data) }, true);
  });
  socket.on(TRACE_FRAME_EVENT, (runId: unknown, skipped: unknown, frame: unknown, acknowledge: unknown) => {
    const bytes = frame instanceof ArrayBuffer ? new Uint8Array(frame) : frame;
    const taken: (Promise<void> | undefined)[] = [];
    if (typeof runId === 'string' && typeof skipped === 'number' && bytes instanceof Uint8Array) {
      for (const listener of frameListeners) taken.push(listener(runId, skipped, bytes));
    } else {
      reportBad(TRACE_FRAME_EVENT, 'It is not (run id, skipped, bytes).');
    }
    // Acknowledged even when it was bad: an unacknowledged frame would hold the stream for ever.
    void Promise.all(taken).then(() => {
      if (typeof acknowledge === 'function') acknowledge();
    });
  });

  return {
    clientId: CLIENT_ID,
    status,
    badMessages,
    request: (name, payload) => request(socket, name, payload, reportBad),
    on: (event, listener) => {
      const schema: z.ZodType = EVENTS[event];
      const receive = (payload: unknown): void => {
        const parsed = schema.safeParse(payload);
        // The catalog ties the schema to the event's name; the compiler cannot follow the index.
        if (parsed.success) listener(parsed.data as EventOf<typeof event>);
        else reportBad(event, z.prettifyError(parsed.error));
      };
      const eventName: string = event;
      socket.on(eventName, receive);
      return () => socket.off(eventName, receive);
    },
    onTraceFrame: (listener) => {
      frameListeners.add(listener);
      return () => frameListeners.delete(listener);
    },
    onReconnect: (listener) => {
      reconnectListeners.add(listener);
      return () => reconnectListeners.delete(listener);
    },
    close: () => socket.close(),
  };
}

async function request<Name extends RequestName>(
  socket: Socket,
  name: Name,
  payload: RequestOf<Name>,
  reportBad: (what: string, problem: string) => void,
): Promise<ResponseOf<Name>> {
  const entry = REQUESTS[name];
  const outgoing = entry.request.safeParse(payload);
  if (!outgoing.success) throw new WorkbenchError('REQUEST_INVALID', z.prettifyError(outgoing.error));
  let answer: unknown;
  try {
    answer = await socket.timeout(REQUEST_TIMEOUT_MS).emitWithAck(name, outgoing.data);
  } catch (thrown) {
    throw new WorkbenchError('TIMED_OUT', OFFLINE_SENTENCE, { retryable: true, cause: thrown });
  }
  const reply = replySchema.safeParse(answer);
  if (!reply.success) {
    reportBad(name, z.prettifyError(reply.error));
    throw new WorkbenchError('INTERNAL', `The server's answer to ${name} makes no sense. Reload the page.`);
  }
  if (!reply.data.ok) throw WorkbenchError.fromData(reply.data.error);
  const value = entry.response.safeParse(reply.data.value);
  if (!value.success) {
    reportBad(name, z.prettifyError(value.error));
    throw new WorkbenchError(
      'INTERNAL',
      `The server's answer to ${name} does not fit this page. Reload the page.`,
    );
  }
  // The catalog ties the response schema to the request's name; the compiler cannot follow the index.
  return value.data as ResponseOf<Name>;
}

function refusalSentence(refusal: z.infer<typeof refusalSchema>): string {
  switch (refusal.reason) {
    case 'protocol-mismatch':
      return `This page speaks protocol ${PROTOCOL_NUMBER}, the server ${refusal.server}. Reload the page to get the server's version.`;
    case 'origin-refused':
      return 'The server does not take connections from this address. Open the page at the address the server printed when it started.';
    case 'handshake-invalid':
      return 'The server did not understand this page. Reload it.';
  }
}
