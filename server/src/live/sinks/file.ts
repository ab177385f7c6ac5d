import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import { toCloudEvent } from '@millrace/shared/message/cloudEvent.ts';
import type { AttemptOutcome, Delivery } from '../../engine/io.ts';
import type { Sink, SinkEnvironment } from './sink.ts';

const SCAN_BYTES = 65_536;
const NEWLINE = 0x0a;

/** Files that a sink of this process writes: two writers in one file would cut off each other's lines. */
const openFiles = new Set<string>();

/**
 * Appends each message as a line of JSON, durable before it is answered. A crash can leave lines whose commit was lost,
 * so a message may be there twice (at-least-once) but no line is ever partial: what a crash left of one is cut off here.
 */
export async function openFileSink(node: FlowNodeOf<'file'>, env: SinkEnvironment): Promise<Sink> {
  const file = path.join(env.folder, node.config.path);
  if (openFiles.has(file)) {
    throw new WorkbenchError(
      'SINK_FAILED',
      `Another node already writes ${node.config.path}; give each its own file.`,
    );
  }
  openFiles.add(file);
  try {
    const handle = await open(file, 'a+');
    const size = await lengthOfWholeLines(handle);
    await handle.truncate(size);
    return new FileSink(node, file, handle, size);
  } catch (thrown) {
    openFiles.delete(file);
    throw new WorkbenchError('SINK_FAILED', `${node.config.path} cannot be written: ${reasonOf(thrown)}.`, {
      cause: thrown,
    });
  }
}

type Asked = { deliveries: Delivery[]; resolve(outcomes: AttemptOutcome[]): void };

class FileSink implements Sink {
  readonly #node: FlowNodeOf<'file'>;
  readonly #file: string;
  readonly #handle: FileHandle;
  /** Bytes of whole lines. */
  #size: number;
  /** Bytes beyond `#size` may be in the file. */
  #partial = false;
  #waiting: Asked[] = [];
  #writing: Promise<void> | null = null;
  #closed = false;

  constructor(node: FlowNodeOf<'file'>, file: string, handle: FileHandle, size: number) {
    this.#node = node;
    this.#file = file;
    this.#handle = handle;
    this.#size = size;
  }

  /**
   * Partitions are handled side by side, their lines one block after the other. What is asked for while the disk is busy
   * goes into the next block together, so that it is waited for once.
   */
  invoke({ deliveries }: { deliveries: Delivery[] }): Promise<AttemptOutcome[]> {
    return new Promise((resolve) => {
      this.#waiting.push({ deliveries, resolve });
      this.#writing ??= this.#writeWaiting();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing;
    openFiles.delete(this.#file);
    await this.#handle.close();
  }

  async #writeWaiting(): Promise<void> {
    // A moment later, because several partitions ask in one go.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const asked = this.#waiting;
      this.#waiting = [];
      const started = performance.now();
      try {
        await this.#append(asked.flatMap(({ deliveries }) => deliveries));
        for (const { deliveries, resolve } of asked) resolve(written(deliveries.length, started));
      } catch (thrown) {
        await this.#takeBack().catch(() => undefined);
        for (const { resolve } of asked) resolve([this.#failed(thrown, started)]);
      }
    }
    this.#writing = null;
  }

  async #append(deliveries: Delivery[]): Promise<void> {
    if (this.#partial) await this.#takeBack();
    const block = Buffer.from(deliveries.map((delivery) => this.#line(delivery)).join(''));
    let at = 0;
    this.#partial = true;
    while (at < block.length) {
      const { bytesWritten } = await this.#handle.write(block, at);
      at += bytesWritten;
    }
    await this.#handle.datasync();
    this.#size += block.length;
    this.#partial = false;
  }

  #line({ message, offset }: Delivery): string {
    const { content } = this.#node.config;
    return `${content === 'data' ? oneLine(message.data) : JSON.stringify(toCloudEvent(message, offset))}\n`;
  }

  /** Part of a block may have been written; the next attempt must not continue in the middle of a line. */
  async #takeBack(): Promise<void> {
    await this.#handle.truncate(this.#size);
    this.#partial = false;
  }

  #failed(thrown: unknown, started: number): AttemptOutcome {
    return {
      status: 'failed',
      durationUs: Math.max(1, Math.round((performance.now() - started) * 1000)),
      error: {
        code: 'SINK_FAILED',
        message: `${this.#node.config.path} cannot be written: ${reasonOf(thrown)}.`,
      },
      logs: [],
    };
  }
}

function written(count: number, started: number): AttemptOutcome[] {
  const durationUs = Math.max(1, Math.round(((performance.now() - started) * 1000) / count));
  return Array.from({ length: count }, () => ({
    status: 'ok',
    durationUs,
    emits: [],
    state: [],
    timers: [],
    logs: [],
  }));
}

/** JSON may hold line breaks between its values, never inside a string; a line of JSONL may hold none. */
function oneLine(json: string): string {
  return json.replace(/[\r\n]+/g, ' ');
}

async function lengthOfWholeLines(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  const block = Buffer.alloc(Math.min(SCAN_BYTES, size));
  for (let end = size; end > 0; ) {
    const from = Math.max(0, end - SCAN_BYTES);
    const { bytesRead } = await handle.read(block, 0, end - from, from);
    const newline = block.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (newline >= 0) return from + newline + 1;
    end = from;
  }
  return 0;
}

function reasonOf(thrown: unknown): string {
  const code = (thrown as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC') return 'the disk is full; free some space and the messages are tried again';
  if (code === 'EDQUOT') return 'the disk quota is used up; free some space and the messages are tried again';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'permission is missing';
  if (code === 'EBADF') return 'the file is closed';
  return code ?? (thrown instanceof Error ? thrown.message : String(thrown));
}
