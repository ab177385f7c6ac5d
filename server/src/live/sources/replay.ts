import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import { keyText, readPath } from '@millrace/shared/message/payloadPath.ts';
import type { SourceItem } from '../../engine/io.ts';
import { type CsvHeader, csvHeader, csvRecord } from './csvRecords.ts';
import { FILE_START, type Line, LineReader } from './lineReader.ts';
import { recordTimeMs } from './recordTime.ts';
import { findReplayFile } from './replayFile.ts';
import type { Source, SourceEnvironment } from './source.ts';

/** A read stops after this many characters of payload, whatever was asked for. */
const CHARS_PER_READ_MAX = 4_194_304;

/** Where reading goes on, and what the pace by time needs to know of the records before. */
type ReplayCursor = {
  offset: number;
  line: number;
  /** Time of the first record, when played by time. */
  firstMs: number | null;
  dueMs: number;
};

const START: ReplayCursor = { offset: FILE_START.offset, line: FILE_START.number, firstMs: null, dueMs: 0 };

/** Plays a JSONL or CSV file, record by record, from any position. */
export async function createReplaySource(
  node: FlowNodeOf<'replay'>,
  env: SourceEnvironment,
): Promise<Source> {
  const { config } = node;
  const file = await findReplayFile(config.file, env.fileFolders);
  const csv = config.format === 'auto' ? /\.(csv|tsv)$/i.test(config.file) : config.format === 'csv';
  const lines = await LineReader.open(file, config.file, csv);
  try {
    return new ReplaySource(node, lines, csv ? await readHeader(lines, config.file) : null);
  } catch (thrown) {
    await lines.close();
    throw thrown;
  }
}

type Header = CsvHeader & { line: Line };

async function readHeader(lines: LineReader, name: string): Promise<Header> {
  const line = await lines.next();
  if (line === null || line.text.trim() === '') {
    throw new WorkbenchError('SOURCE_UNREADABLE', `Line 1 of ${name} must name the columns.`, {
      details: { line: 1 },
    });
  }
  try {
    return { ...csvHeader(line.text), line };
  } catch (thrown) {
    throw unreadable(name, line, thrown);
  }
}

class ReplaySource implements Source {
  readonly #node: FlowNodeOf<'replay'>;
  readonly #lines: LineReader;
  readonly #header: Header | null;
  #closed = false;

  constructor(node: FlowNodeOf<'replay'>, lines: LineReader, header: Header | null) {
    this.#node = node;
    this.#lines = lines;
    this.#header = header;
  }

  async read(cursor: string | null, itemsMax: number): Promise<{ items: SourceItem[]; done: boolean }> {
    let position = cursor === null ? this.#start() : this.#parseCursor(cursor);
    this.#lines.seek({ offset: position.offset, number: position.line });
    const items: SourceItem[] = [];
    let chars = 0;
    while (items.length < itemsMax && chars < CHARS_PER_READ_MAX) {
      const line = await this.#lines.next();
      if (line === null) return { items, done: true };
      if (line.text.trim() === '') continue;
      try {
        const { item, next } = this.#item(line, position);
        position = next;
        chars += item.data.length;
        items.push(item);
      } catch (thrown) {
        // What was read before the bad line goes out first; the next read begins at that line and fails.
        if (items.length > 0) {
          this.#lines.seek({ offset: position.offset, number: position.line });
          return { items, done: false };
        }
        throw unreadable(this.#node.config.file, line, thrown);
      }
    }
    return { items, done: false };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#lines.close();
  }

  #start(): ReplayCursor {
    if (!this.#header) return START;
    return { ...START, offset: this.#header.line.endOffset, line: this.#header.line.endNumber };
  }

  #item(line: Line, before: ReplayCursor): { item: SourceItem; next: ReplayCursor } {
    const { config } = this.#node;
    const record: unknown = this.#header ? csvRecord(line.text, this.#header) : JSON.parse(line.text);
    const timeMs = config.timeField === '' ? null : timeOf(record, config.timeField);
    const next: ReplayCursor = { ...before, offset: line.endOffset, line: line.endNumber };
    if (config.speed.mode === 'by-time' && timeMs !== null) {
      next.firstMs ??= timeMs;
      // A record that happened before the one it follows leaves with it: the file's order is kept.
      next.dueMs = Math.max(before.dueMs, (timeMs - next.firstMs) / config.speed.factor);
    }
    const id = config.idField === '' ? null : keyText(readPath(record, config.idField));
    return {
      item: {
        data: this.#header ? JSON.stringify(record) : line.text.trim(),
        type: config.eventType,
        id: id === '' ? null : id,
        timeMs,
        key: config.key === '' ? null : keyText(readPath(record, config.key)),
        dueMs: config.speed.mode === 'by-time' ? Math.round(next.dueMs) : null,
        cursor: JSON.stringify(next),
      },
      next,
    };
  }

  #parseCursor(cursor: string): ReplayCursor {
    try {
      const parsed = JSON.parse(cursor) as Partial<ReplayCursor>;
      if (Number.isSafeInteger(parsed.offset) && Number.isSafeInteger(parsed.line))
        return { ...START, ...parsed };
    } catch {
      // Said below.
    }
    throw new WorkbenchError('SOURCE_UNREADABLE', `The saved position "${cursor}" is not that of a replay.`);
  }
}

/** A record without the field has no time of its own; one with something else in it is at fault. */
function timeOf(record: unknown, path: string): number | null {
  const value = readPath(record, path);
  if (value === undefined || value === null || value === '') return null;
  const timeMs = recordTimeMs(value);
  if (timeMs === undefined) throw new Error(`its ${path}, ${JSON.stringify(value)}, is not a time`);
  return timeMs;
}

function unreadable(name: string, line: Line, thrown: unknown): WorkbenchError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const what = thrown instanceof SyntaxError ? `it is not JSON (${reason})` : reason;
  return new WorkbenchError('SOURCE_UNREADABLE', `Line ${line.number} of ${name} cannot be read: ${what}.`, {
    details: { file: name, line: line.number },
    cause: thrown,
  });
}
