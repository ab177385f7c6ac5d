import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { FileLibrary } from '../../storage/fileLibrary.ts';
import { UPLOAD_BYTES_MAX } from '../limits.ts';
import { attach } from './runRoutes.ts';

const CREATED = 201;
const NO_CONTENT = 204;

/** Files for replay producers: sent up, taken back, removed. */
export function fileRoutes(app: FastifyInstance, files: FileLibrary): void {
  // Uploads are passed on as they arrive and never held in memory.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  type Named = { Params: { name: string } };

  app.put<Named>('/api/files/:name', { bodyLimit: UPLOAD_BYTES_MAX }, async (request, reply) => {
    const content = request.body instanceof Readable ? request.body : Readable.from([]);
    const file = await files.put(request.params.name, content, UPLOAD_BYTES_MAX);
    return reply.code(CREATED).send(file);
  });
  app.get<Named>('/api/files/:name', async (request, reply) => {
    const { bytes, content } = await files.open(request.params.name);
    return attach(reply, request.params.name, 'application/octet-stream')
      .header('content-length', bytes)
      .send(content);
  });
  app.delete<Named>('/api/files/:name', async (request, reply) => {
    await files.remove(request.params.name);
    return reply.code(NO_CONTENT).send();
  });
}
