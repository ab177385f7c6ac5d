import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { EXPORT_FORMATS, exportFileName, exportFormat } from '@millrace/shared/exchange/formats.ts';
import { flowJsonSchemaText } from '@millrace/shared/flow/jsonSchema.ts';
import type { FastifyInstance } from 'fastify';
import type { Flows } from '../flows.ts';

const CREATED = 201;
const FLOW_PREFIX = 'flow:';

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
    const keepId = request.query.keepId === 'true';
    const { document, revision, version } = flows.import(request.body ?? '', { keepId });
    return reply.code(CREATED).send({ id: document.id, name: document.name, revision, version });
  });

  type Export = { Params: { flowId: string }; Querystring: { format?: string; version?: string } };
  app.get<Export>('/api/flows/:flowId/export', async (request, reply) => {
    const { format: formatId = 'json', version } = request.query;
    const format = exportFormat(formatId);
    if (!format) {
      const known = EXPORT_FORMATS.map(({ id }) => id).join(', ');
      throw invalid(`There is no export format ${formatId.slice(0, 32)}; there are ${known}.`);
    }
    const { flowId } = request.params;
    const id = flowId.startsWith(FLOW_PREFIX) ? flowId : `${FLOW_PREFIX}${flowId}`;
    const document =
      version === undefined ? flows.open(id).document : flows.version(id, versionNumber(version));
    return reply
      .type(`${format.mediaType}; charset=utf-8`)
      .header('cache-control', 'no-store')
      .header('content-disposition', disposition(exportFileName(document, format)))
      .send(format.write(document));
  });
}

function versionNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw invalid('A version is a number from 1.');
  return Number(text);
}

/** RFC 6266: a plain name for old clients, the real one, which may be in any script, percent-encoded. */
function disposition(fileName: string): string {
  const plain = fileName.replace(/[^A-Za-z0-9._-]/g, '_');
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(fileName)}`;
}

function invalid(message: string): WorkbenchError {
  return new WorkbenchError('REQUEST_INVALID', message);
}
