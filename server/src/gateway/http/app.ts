import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { API_BODY_BYTES_MAX } from '../limits.ts';
import { isHostAllowed, isOriginAllowed, type OriginPolicy } from '../origins.ts';
import { publicData } from '../sockets.ts';
import { httpStatusOf } from './status.ts';

const RETRY_AFTER_SECONDS = '1';
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What the page may load and do. `style-src` allows inline styles, which the component library and the code editor write. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

export type HttpLog = { failed(what: string, error: WorkbenchError): void };

/** Fastify with what every route shares: who may ask, how errors are said, and the headers a browser needs. */
export function createHttpApp(origins: () => OriginPolicy, log: HttpLog): FastifyInstance {
  const app = fastify({
    bodyLimit: API_BODY_BYTES_MAX,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    reply.header('referrer-policy', 'no-referrer');
    reply.header('cross-origin-opener-policy', 'same-origin');
    reply.header('cross-origin-resource-policy', 'same-origin');
    reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    // A tunnel that brings web hooks here keeps its own host name; nothing can be read by way of an ingest address.
    const isIngest = request.url.startsWith('/ingest/');
    const isStateChanging = !SAFE_METHODS.has(request.method);
    if (isStateChanging && !isOriginAllowed(request.headers, origins())) throw originRefused();
    if (!isIngest && !isHostAllowed(request.headers, origins())) throw originRefused();
  });
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    const error = fromFastify(thrown);
    if (httpStatusOf(error) >= 500)
      log.failed(`${request.method} ${request.routeOptions.url ?? request.url}`, error);
    return sendError(reply, error);
  });
  return app;
}

export function sendError(reply: FastifyReply, error: WorkbenchError): FastifyReply {
  if (error.retryable) reply.header('retry-after', RETRY_AFTER_SECONDS);
  return reply.code(httpStatusOf(error)).type('application/json; charset=utf-8').send(publicData(error));
}

function originRefused(): WorkbenchError {
  return new WorkbenchError(
    'ORIGIN_REFUSED',
    'Pages of other sites may not use this server. A development server can be allowed with MILLRACE_ALLOWED_ORIGINS.',
  );
}

/** What Fastify itself refuses: bodies that are too large, media types nobody reads, JSON that is none. */
function fromFastify(thrown: FastifyError): WorkbenchError {
  if (thrown instanceof WorkbenchError) return thrown;
  if (thrown.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new WorkbenchError('MESSAGE_TOO_LARGE', 'The body is larger than this address takes.', {
      cause: thrown,
    });
  }
  if (thrown.statusCode !== undefined && thrown.statusCode >= 400 && thrown.statusCode < 500) {
    return new WorkbenchError('REQUEST_INVALID', thrown.message, { cause: thrown });
  }
  return toWorkbenchError(thrown);
}
