import { errorDataSchema, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { REQUESTS, type RequestOf, type ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import { type RunSummary, runSummarySchema } from '@millrace/shared/protocol/entities.ts';
import {
  isFinalRunStatus,
  type MetricsSnapshot,
  metricsSnapshotSchema,
} from '@millrace/shared/trace/metrics.ts';
import type { Command } from 'commander';
import { z } from 'zod';
import { DEFAULT_HOST, DEFAULT_PORT } from '../config/environment.ts';
import type { HttpRequestName } from '../gateway/http/requestRoutes.ts';

/** A running server, as the command line talks to it. Rejects with a WorkbenchError whose sentence can be shown. */
export interface ServerClient {
  ask<Name extends HttpRequestName>(name: Name, request: RequestOf<Name>): Promise<ResponseOf<Name>>;
  /** A run as it stands now. */
  run(runId: string): Promise<{ run: RunSummary; metrics: MetricsSnapshot | null }>;
}

const TIMEOUT_MS = 30_000;
const DEFAULT_ADDRESS = `http://${DEFAULT_HOST}:${DEFAULT_PORT}`;

/** Adds the option that says which server; `connectServer` takes its value. */
export function withServerOption(command: Command): Command {
  return command.option('--server <address>', `a running server (default ${DEFAULT_ADDRESS})`);
}

export function connectServer(address = DEFAULT_ADDRESS): ServerClient {
  if (!URL.canParse(address))
    throw new WorkbenchError('REQUEST_INVALID', `${address} is no address; write it as ${DEFAULT_ADDRESS}.`);
  const call = async <Value>(path: string, body: unknown, schema: z.ZodType<Value>): Promise<Value> => {
    const response = await fetch(new URL(path, address), {
      ...(body === undefined
        ? {}
        : {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((cause: unknown) => {
      throw unreachable(address, cause);
    });
    const answer: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      const error = errorDataSchema.safeParse(answer);
      throw error.success ? WorkbenchError.fromData(error.data) : notMillrace(address);
    }
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw notMillrace(address);
    return parsed.data;
  };
  return {
    // The schema of an answer gives what the catalog says of it; the compiler cannot see it through the name.
    ask: (name, request) =>
      call(`/api/requests/${name}`, request, REQUESTS[name].response as unknown as z.ZodType<never>),
    run: (runId) => call(`/api/runs/${encodeURIComponent(runId)}`, undefined, runStateSchema),
  };
}

const runStateSchema = z.object({ run: runSummarySchema, metrics: metricsSnapshotSchema.nullable() });

/** The run of that id; or of a flow, by its id or its name, the one that is active, else the newest. */
export async function findRun(client: ServerClient, wanted: string): Promise<RunSummary> {
  const { runs } = await client.ask('run.list', {});
  const byId = runs.find(({ id }) => id === wanted || id === `run:${wanted}`);
  if (byId) return byId;
  const ofFlow = runs
    .filter(({ flowId, flowName }) => [flowId, flowId.slice('flow:'.length), flowName].includes(wanted))
    .sort((a, b) => b.createdMs - a.createdMs);
  const found = ofFlow.find(({ status }) => !isFinalRunStatus(status)) ?? ofFlow[0];
  if (found) return found;
  throw new WorkbenchError(
    'RUN_NOT_FOUND',
    `There is no run ${wanted}, and no flow of that name has one. Name a run by its id, or a flow by its id or name.`,
  );
}

function unreachable(address: string, cause: unknown): WorkbenchError {
  const isTimeout = cause instanceof Error && cause.name === 'TimeoutError';
  const message = isTimeout
    ? `The server at ${address} did not answer within ${TIMEOUT_MS / 1000} seconds.`
    : `No server answers at ${address}. Start one with millrace serve, or name another with --server.`;
  return new WorkbenchError(isTimeout ? 'TIMED_OUT' : 'NOT_FOUND', message, { cause });
}

function notMillrace(address: string): WorkbenchError {
  return new WorkbenchError(
    'PROTOCOL_MISMATCH',
    `What answers at ${address} is no Millrace server of this version.`,
  );
}
