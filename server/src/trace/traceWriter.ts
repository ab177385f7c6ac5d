import type { DatabaseSync } from 'node:sqlite';
import type { LogLine } from '@millrace/shared/protocol/entities.ts';
import { frameHeader } from '@millrace/shared/trace/frame.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import { type SampledCounts, sampledTogether } from './sampledCounts.ts';
import { createTraceIndex } from './traceIndex.ts';
import type { TraceLimits } from './traceProtocol.ts';
import type { IncompleteTrace } from './traceSampler.ts';
import { readCounts, saveCounts, type TraceCounts } from './traceSchema.ts';

/** What arrived since the last transaction; `endSeq` is the sequence number after all of it, lost records included. */
export type TraceArrivals = {
  frames: Uint8Array[];
  lost: number;
  endSeq: number;
  /** What sampling did in between; null for nothing. */
  sampled: SampledCounts | null;
  incomplete: IncompleteTrace[];
  lines: LogLine[];
};

/** Each call keeps all it does or, when it throws, nothing. Synchronous; it lives on a thread of its own. */
export interface TraceWriter {
  counts(): TraceCounts;
  /** Keeps what arrives, unread: this has to be quicker than the run that makes it. */
  keep(arrivals: TraceArrivals): void;
  /** Brings the list of traces forward by about so many records; false when there is nothing left to do. */
  index(recordsMax: number): boolean;
}

export function createTraceWriter(database: DatabaseSync, limits: TraceLimits): TraceWriter {
  const sql = {
    addChunk: database.prepare('INSERT INTO chunks VALUES (?, ?, ?)'),
    oldestChunk: database.prepare(
      'SELECT first_seq AS firstSeq, count, length(frame) AS bytes FROM chunks ORDER BY first_seq LIMIT 1',
    ),
    deleteChunk: database.prepare('DELETE FROM chunks WHERE first_seq = ?'),
    addLine: database.prepare('INSERT OR IGNORE INTO log_lines VALUES (?, ?, ?, ?, ?, ?, ?)'),
    expireLines: database.prepare('DELETE FROM log_lines WHERE seq <= ?'),
  };
  const save = saveCounts(database);
  const index = createTraceIndex(database);
  let counts = readCounts(database);

  const inTransaction = (change: () => void): void => {
    const before = { ...counts };
    try {
      database.exec('BEGIN IMMEDIATE');
      change();
      save(counts);
      database.exec('COMMIT');
    } catch (thrown) {
      if (database.isTransaction) database.exec('ROLLBACK');
      counts = before;
      index.forget();
      throw thrown;
    }
  };

  const keepFrame = (frame: Uint8Array): void => {
    const { firstSeq, count } = frameHeader(frame);
    if (firstSeq < counts.nextSeq) {
      // Only when the store could not be read as the run began, so that its numbers were not known.
      counts.lost += count;
      return;
    }
    sql.addChunk.run(firstSeq, count, frame);
    counts.kept += count;
    counts.bytes += frame.length;
    counts.nextSeq = firstSeq + count;
  };

  const expireChunks = (): void => {
    while (counts.kept > limits.recordsMax || counts.bytes > limits.bytesMax) {
      const oldest = sql.oldestChunk.get();
      assert(oldest, `${counts.kept} trace records are counted, but there is no chunk`);
      const firstSeq = oldest.firstSeq as number;
      const count = oldest.count as number;
      index.expire(counts, firstSeq);
      sql.deleteChunk.run(firstSeq);
      counts.kept -= count;
      counts.bytes -= oldest.bytes as number;
      counts.expired += count;
    }
  };

  const keepLines = (lines: LogLine[]): void => {
    for (const { seq, timeMs, level, nodeId, message, messageId, correlationId } of lines) {
      sql.addLine.run(seq, timeMs, level, nodeId, message, messageId, correlationId);
    }
    const last = lines.at(-1);
    if (last) sql.expireLines.run(last.seq - limits.logLinesMax);
  };

  return {
    counts: () => ({ ...counts }),
    keep: ({ frames, lost, endSeq, sampled, incomplete, lines }) =>
      inTransaction(() => {
        index.expect(incomplete);
        for (const frame of frames) keepFrame(frame);
        expireChunks();
        keepLines(lines);
        counts.lost += lost;
        if (sampled) counts.sampled = sampledTogether(counts.sampled, sampled);
        counts.nextSeq = Math.max(counts.nextSeq, endSeq);
      }),
    index(recordsMax) {
      if (counts.indexedSeq >= counts.nextSeq) return false;
      inTransaction(() => index.step(counts, recordsMax));
      return counts.indexedSeq < counts.nextSeq;
    },
  };
}
