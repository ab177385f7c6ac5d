import { randomUUID } from 'node:crypto';
import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import { uuidV7 } from '@millrace/shared/message/ids.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import type { FastifyInstance } from 'fastify';
import type { Supervisor } from '../../live/supervision.ts';
import { INGEST_BODY_BYTES_MAX, INGEST_BYTES_IN_FLIGHT_MAX } from '../limits.ts';
import type { ActiveRun, Runs } from '../runs.ts';
import type { Telemetry } from '../telemetry.ts';
import { readMessages } from './ingestMessages.ts';

export type IngestRoutesOptions = {
  runs: Runs;
  flowExists(flowId: string): boolean;
  supervisor: Pick<Supervisor, 'request'>;
  telemetry: Telemetry;
  nowMs(): number;
};

const ACCEPTED = 202;
const FLOW_PREFIX = 'flow:';

/** `POST /ingest/<flow>/<path>`: what other programs send to the HTTP producers of running flows. Answered when on disk. */
export function ingestRoutes(app: FastifyInstance, options: IngestRoutesOptions): void {
  const random = createRandom(randomUUID());
  let bytesInFlight = 0;
  // Bodies are read raw: what they are is said by their media type, and often not even that (`curl -d`).
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: INGEST_BODY_BYTES_MAX },
    (_request, body, done) => done(null, body),
  );

  const budget = new WeakMap<object, number>();
  app.addHook('onRequest', async (request) => {
    const declared = Number(request.headers['content-length'] ?? INGEST_BODY_BYTES_MAX);
    const bytes = Math.min(
      Number.isFinite(declared) ? declared : INGEST_BODY_BYTES_MAX,
      INGEST_BODY_BYTES_MAX,
    );
    if (bytesInFlight + bytes > INGEST_BYTES_IN_FLIGHT_MAX) {
      throw new WorkbenchError('BACKLOG_FULL', 'Too much is being sent at once; try again in a moment.', {
        retryable: true,
      });
    }
    bytesInFlight += bytes;
    budget.set(request.raw, bytes);
    // Also when the sender hangs up in the middle.
    request.raw.once('close', () => {
      bytesInFlight -= budget.get(request.raw) ?? 0;
      budget.delete(request.raw);
    });
  });
  app.addHook('onError', async (_request, _reply, error) =>
    options.telemetry.ingestRefused(toWorkbenchError(error).code),
  );

  app.post<{ Params: { flowId: string; path: string } }>('/ingest/:flowId/:path', async (request, reply) => {
    const { flowId, path } = request.params;
    const id = flowId.startsWith(FLOW_PREFIX) ? flowId : `${FLOW_PREFIX}${flowId}`;
    if (!options.flowExists(id))
      throw new WorkbenchError('FLOW_NOT_FOUND', `There is no flow ${id.slice(0, 80)}.`);
    const { run, node } = targetOf(options.runs.activeRunOf(id), path);
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const nowMs = options.nowMs();
    const messages = await noting(options.supervisor, run, node, () =>
      readMessages(
        { headers: request.headers, body },
        {
          source: `/flows/${id}/nodes/${node.id}`,
          eventType: node.config.eventType,
          keyPath: node.config.key,
        },
        nowMs,
        () => uuidV7(nowMs, random),
      ),
    );
    const { accepted, dropped } = await options.supervisor.request(run.summary.id, {
      type: 'ingest',
      producer: node.id,
      messages,
    });
    options.telemetry.ingested(accepted.length);
    return reply.code(ACCEPTED).send({ accepted, dropped });
  });
}

/** The node says what it refuses (TR7); the sender hears it whether the run can take note or not. */
async function noting<Value>(
  supervisor: IngestRoutesOptions['supervisor'],
  run: ActiveRun,
  node: FlowNodeOf<'http'>,
  read: () => Value,
): Promise<Value> {
  try {
    return read();
  } catch (thrown) {
    const { code, message } = toWorkbenchError(thrown);
    const command = { type: 'note-refusal' as const, producer: node.id, error: { code, message } };
    await supervisor.request(run.summary.id, { type: 'command', command }).catch(() => undefined);
    throw thrown;
  }
}

function targetOf(run: ActiveRun | null, path: string): { run: ActiveRun; node: FlowNodeOf<'http'> } {
  if (run === null) {
    throw new WorkbenchError(
      'RUN_NOT_ACTIVE',
      'This flow is not running; start it to take messages at this address.',
    );
  }
  const node = httpNodeOf(run.document, path);
  if (!node) {
    throw new WorkbenchError(
      'NOT_FOUND',
      `Version ${run.summary.version} of this flow, which is running, has no HTTP ingest node with the path ${path.slice(0, 64)}.`,
    );
  }
  const { status } = run.summary;
  if (status !== 'running') {
    const sentence =
      status === 'paused'
        ? 'The run is paused; resume it to take messages.'
        : `The run is ${status} and takes no messages.`;
    throw new WorkbenchError('RUN_NOT_ACTIVE', sentence, { retryable: true, details: { status } });
  }
  return { run, node };
}

function httpNodeOf(document: FlowDocument, path: string): FlowNodeOf<'http'> | undefined {
  return document.nodes.find(
    (node): node is FlowNodeOf<'http'> => node.kind === 'http' && node.config.path === path,
  );
}
