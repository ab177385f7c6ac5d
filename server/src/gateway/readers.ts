import type { TraceReader } from '../trace/traceReader.ts';
import { READER_IDLE_MS, READERS_OPEN_MAX } from './limits.ts';
import type { MessageLog, RunReaders } from './ports.ts';

type Open = { close(): void };
type Entry<Reader> = { reader: Reader; usedMs: number };

/** Read access to runs by id. Readers stay open while they are used and are closed when nobody asked for a while. */
export type ReaderCache = {
  traces(runId: string): TraceReader;
  messages(runId: string): MessageLog;
  /** Before the folder of a run goes away. */
  forget(runId: string): void;
  close(): void;
};

export function createReaderCache(readers: RunReaders, folderOf: (runId: string) => string): ReaderCache {
  const traces = createPool((runId) => readers.openTraces(folderOf(runId)));
  const messages = createPool((runId) => readers.openMessages(folderOf(runId)));
  const sweeper = setInterval(() => {
    traces.sweep();
    messages.sweep();
  }, READER_IDLE_MS / 2);
  sweeper.unref();
  return {
    traces: traces.get,
    messages: messages.get,
    forget: (runId) => {
      traces.remove(runId);
      messages.remove(runId);
    },
    close: () => {
      clearInterval(sweeper);
      traces.clear();
      messages.clear();
    },
  };
}

function createPool<Reader extends Open>(open: (runId: string) => Reader) {
  // In order of last use: Map keeps insertion order, and every use inserts again.
  const entries = new Map<string, Entry<Reader>>();
  const remove = (runId: string): void => {
    const entry = entries.get(runId);
    entries.delete(runId);
    entry?.reader.close();
  };
  return {
    get: (runId: string): Reader => {
      const reader = entries.get(runId)?.reader ?? open(runId);
      entries.delete(runId);
      entries.set(runId, { reader, usedMs: performance.now() });
      const oldest = entries.keys().next();
      if (entries.size > READERS_OPEN_MAX && !oldest.done) remove(oldest.value);
      return reader;
    },
    remove,
    sweep: () => {
      const before = performance.now() - READER_IDLE_MS;
      for (const [runId, entry] of entries) if (entry.usedMs < before) remove(runId);
    },
    clear: () => {
      for (const runId of [...entries.keys()]) remove(runId);
    },
  };
}
