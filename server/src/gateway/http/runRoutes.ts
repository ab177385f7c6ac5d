import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { cloudEventLine } from '@millrace/shared/exchange/cloudEventsJsonl.ts';
import { traceLine } from '@millrace/shared/exchange/traceJsonl.ts';
import { decodeFrame } from '@millrace/shared/trace/frame.ts';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { EXPORT_PAGE_BYTES, EXPORT_PAGE_MESSAGES, RESUME_RECORDS_PER_READ } from '../limits.ts';
import type { ReaderCache } from '../readers.ts';
import type { Runs } from '../runs.ts';
import { partitionsOf } from '../topicBrowser.ts';

export type RunRoutesOptions = { runs: Runs; readers: ReaderCache; folderOf(runId: string): string };

const SINK_FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const JSON_LINES = 'application/x-ndjson; charset=utf-8';
const RUN_PREFIX = 'run:';

/** How a run stands, and what it has written, as files: its topics as CloudEvents and its traces, one a line, and what its file sinks wrote. */
export function runRoutes(app: FastifyInstance, { runs, readers, folderOf }: RunRoutesOptions): void {
  const known = (runId: string): string =>
    runs.get(runId.startsWith(RUN_PREFIX) ? runId : `${RUN_PREFIX}${runId}`).summary.id;

  app.get<{ Params: { runId: string; topicId: string } }>(
    '/api/runs/:runId/topics/:topicId/messages.jsonl',
    async (request, reply) => {
      const runId = known(request.params.runId);
      const { topicId } = request.params;
      if (partitionsOf(readers.messages(runId), topicId).length === 0) {
        throw new WorkbenchError('TOPIC_NOT_FOUND', 'This run has no such topic.');
      }
      return sendLines(reply, `${safeName(topicId)}.jsonl`, messageLines(readers, runId, topicId));
    },
  );

  app.get<{ Params: { runId: string } }>('/api/runs/:runId', async (request, reply) => {
    const { summary: run, metrics } = runs.get(known(request.params.runId));
    reply.header('cache-control', 'no-store');
    return { run, metrics };
  });

  app.get<{ Params: { runId: string } }>('/api/runs/:runId/traces.jsonl', async (request, reply) => {
    const runId = known(request.params.runId);
    return sendLines(reply, `${safeName(runId)}-traces.jsonl`, traceLines(readers, runId));
  });

  app.get<{ Params: { runId: string } }>('/api/runs/:runId/files', async (request) => {
    const folder = join(folderOf(known(request.params.runId)), 'files');
    const names = (await readdir(folder).catch(() => [])).filter((name) => SINK_FILE_NAME.test(name)).sort();
    return {
      files: await Promise.all(
        names.map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })),
      ),
    };
  });

  app.get<{ Params: { runId: string; name: string } }>(
    '/api/runs/:runId/files/:name',
    async (request, reply) => {
      const { name } = request.params;
      const folder = join(folderOf(known(request.params.runId)), 'files');
      const found = SINK_FILE_NAME.test(name) ? await stat(join(folder, name)).catch(() => null) : null;
      if (!found?.isFile())
        throw new WorkbenchError('NOT_FOUND', `This run has written no file ${name.slice(0, 128)}.`);
      // The file may grow while it is sent; what is there now is what is sent.
      const content =
        found.size === 0 ? Readable.from([]) : createReadStream(join(folder, name), { end: found.size - 1 });
      return attach(reply, name, JSON_LINES).send(content);
    },
  );
}

async function* messageLines(readers: ReaderCache, runId: string, topic: string): AsyncGenerator<string> {
  const partitions = partitionsOf(readers.messages(runId), topic);
  for (const [partition, { start, end }] of partitions.entries()) {
    let offset = start;
    while (offset < end) {
      // Asked for again each time: a reader that was not used for a while is closed.
      const request = {
        topic,
        partition,
        fromOffset: offset,
        messagesMax: EXPORT_PAGE_MESSAGES,
        bytesMax: EXPORT_PAGE_BYTES,
      };
      const page = readers.messages(runId).read(request).messages;
      const last = page.at(-1);
      if (!last) break;
      yield page.map((stored) => cloudEventLine(stored.message, stored.offset)).join('');
      offset = last.offset + 1;
      await nextTurn();
    }
  }
}

async function* traceLines(readers: ReaderCache, runId: string): AsyncGenerator<string> {
  let afterSeq = -1;
  for (;;) {
    const { frames } = readers.traces(runId).tail(afterSeq, RESUME_RECORDS_PER_READ);
    if (frames.length === 0) return;
    for (const { frame } of frames) {
      const { firstSeq, records } = decodeFrame(frame);
      yield records.map((record, index) => traceLine(record, { runId, seq: firstSeq + index })).join('');
      afterSeq = Math.max(afterSeq, firstSeq + records.length - 1);
    }
    await nextTurn();
  }
}

/** A long export must not keep live pages waiting. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function sendLines(reply: FastifyReply, fileName: string, lines: AsyncGenerator<string>): FastifyReply {
  // `objectMode: false` lets the stream count bytes, so that a slow reader holds the generator back.
  return attach(reply, fileName, JSON_LINES).send(Readable.from(lines, { objectMode: false }));
}

export function attach(reply: FastifyReply, fileName: string, mediaType: string): FastifyReply {
  return reply
    .type(mediaType)
    .header('cache-control', 'no-store')
    .header('content-disposition', `attachment; filename="${safeName(fileName)}"`);
}

export function safeName(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 120);
}
