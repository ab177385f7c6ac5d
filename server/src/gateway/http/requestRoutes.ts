import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { REQUESTS, type RequestName } from '@millrace/shared/protocol/catalog.ts';
import type { FastifyInstance } from 'fastify';
import type { HandlersOf } from '../handlers.ts';

/**
 * What scripts and the command line may ask of a running server: the requests of pages that need no page. Their form is
 * that of the catalog, on both ways.
 */
const HTTP_REQUESTS = [
  'flow.version',
  'run.list',
  'run.pause',
  'run.resume',
  'run.stop',
  'run.injectFault',
  'run.healFault',
  'run.pauseGroup',
  'run.resumeGroup',
  'run.scaleGroup',
  'run.seek',
  'deadLetters.causes',
  'run.redrive',
  'run.cancelRedrive',
  'run.resumeRedrive',
] as const satisfies readonly RequestName[];
export type HttpRequestName = (typeof HTTP_REQUESTS)[number];
/** `POST /api/requests/<name>` with the request as JSON. */
export function requestRoutes(app: FastifyInstance, handlers: HandlersOf<HttpRequestName>): void {
  for (const name of HTTP_REQUESTS) {
    // None of these looks at the page that asks; the catalog ties the name to what is parsed below.
    const handle = handlers[name] as (request: unknown) => unknown;
    app.post(`/api/requests/${name}`, async (request) => {
      const parsed = REQUESTS[name].request.safeParse(request.body ?? {});
      if (parsed.success) return handle(parsed.data);
      const [issue] = parsed.error.issues;
      const where = issue?.path.join('.') || 'request';
      throw new WorkbenchError('REQUEST_INVALID', `${name}: ${where}: ${issue?.message ?? 'invalid'}.`, {
        details: { path: issue?.path ?? [] },
      });
    });
  }
}
