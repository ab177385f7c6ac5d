import { flowJsonSchemaText } from '@millrace/shared/flow/jsonSchema.ts';
import type { FastifyInstance } from 'fastify';
import type { Flows } from '../flows.ts';

const CREATED = 201;

/** Flows for other programs: list, import, export, and the JSON Schema of the document. */
export function flowRoutes(app: FastifyInstance, flows: Flows): void {
  // JSON and YAML alike: the text itself says which it is.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  const schema = flowJsonSchemaText();
  app.get('/api/flow.schema.json', async (_request, reply) =>
    reply.type('application/schema+json').send(schema),
  );
  app.get('/api/flows', async () => ({ flows: flows.list() }));
  app.post<{ Querystring: { keepId?: string } }>('/api/flows/import', async (request, reply) => {
    const { document, revision, version } = flows.import(request.body ?? '', {
      keepId: request.query.keepId === 'true',
    });
    return reply.code(CREATED).send({ id: document.id, name: document.name, revision, version });
  });
}
