import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { RunNotice, RunSummary } from '@millrace/shared/protocol/entities.ts';
import type { MetricsSnapshot, RunStatus } from '@millrace/shared/trace/metrics.ts';
import type { Client } from './client.ts';
import { until } from './until.ts';

export async function importFlow(client: Client, document: FlowDocument): Promise<string> {
  const opened = await client.request('flow.import', { document, keepId: true });
  return opened.document.id;
}

export function startRun(
  client: Client,
  flowId: string,
  { paused } = { paused: false },
): Promise<RunSummary> {
  return client.request('run.start', { flowId, paused });
}

/** Imports a flow and runs it. */
export async function runFlow(client: Client, document: FlowDocument): Promise<RunSummary> {
  return startRun(client, await importFlow(client, document));
}

export async function summaryOf(client: Client, runId: string): Promise<RunSummary | undefined> {
  const { runs } = await client.request('run.list', {});
  return runs.find((run) => run.id === runId);
}

export type Watched = { metrics: MetricsSnapshot | null; notices: RunNotice[]; run: RunSummary };

export function watchOnce(client: Client, runId: string): Promise<Watched> {
  return client.request('run.watch', { runId, afterSeq: null, traces: false, logs: false });
}

export async function untilStatus(client: Client, runId: string, status: RunStatus): Promise<RunSummary> {
  return until(
    `the run to be ${status}`,
    async () => {
      const last = await summaryOf(client, runId);
      if (last?.status === status) return last;
      throw new Error(
        `the run is ${last?.status ?? 'missing'}: ${last?.error?.message ?? 'no reason given'}`,
      );
    },
    40_000,
  );
}

/** A message as an export writes it: one CloudEvent. */
export type Line = {
  id: string;
  type: string;
  correlationid: string;
  causationid?: string;
  partitionkey?: string;
  /** How often a message, or the one a dead letter tells of, was sent back. */
  redrives?: number;
  data: { index?: number; [name: string]: unknown };
};

export function parseLines(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

/** Everything a topic of a run holds, by way of the export. */
export async function topicLines(url: string, runId: string, topicId: string): Promise<Line[]> {
  const address = `${url}/api/runs/${encodeURIComponent(runId)}/topics/${encodeURIComponent(topicId)}/messages.jsonl`;
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} answered ${response.status}`);
  return parseLines(await response.text());
}

export function runFolder(dataFolder: string, runId: string): string {
  return path.join(dataFolder, 'runs', runId.replace(':', '-'));
}

/** What a file sink wrote. */
export async function sinkLines(dataFolder: string, runId: string, name: string): Promise<Line[]> {
  return parseLines(await readFile(path.join(runFolder(dataFolder, runId), 'files', name), 'utf8'));
}
