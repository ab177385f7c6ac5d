import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FastifyInstance } from 'fastify';
import { sendError } from './app.ts';

const HASHED_ASSETS = '/assets/';
const A_YEAR_IMMUTABLE = 'public, max-age=31536000, immutable';
/** Addresses that are never a place in the page; an unknown one of them is an error, not the page. */
const NOT_THE_PAGE = ['/api/', '/ingest/', '/socket.io/', HASHED_ASSETS];

const NOT_BUILT = 'The page has not been built yet. Run `pnpm build` in the project folder, then reload.\n';

/** The built web app; every address that is none of the server's is a place in it. */
export async function pageRoutes(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: true,
    index: ['index.html'],
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isHashed = path.startsWith(join(folder, HASHED_ASSETS));
      reply.header('cache-control', isHashed ? A_YEAR_IMMUTABLE : 'no-cache');
    },
  });
  app.setNotFoundHandler((request, reply) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const isPlace =
      (request.method === 'GET' || request.method === 'HEAD') &&
      !NOT_THE_PAGE.some((prefix) => pathname.startsWith(prefix));
    if (!isPlace)
      return sendError(
        reply,
        new WorkbenchError('NOT_FOUND', `There is nothing at ${request.method} ${pathname.slice(0, 200)}.`),
      );
    if (!existsSync(join(folder, 'index.html')))
      return reply.code(503).type('text/plain; charset=utf-8').send(NOT_BUILT);
    return reply.header('cache-control', 'no-cache').sendFile('index.html');
  });
}
