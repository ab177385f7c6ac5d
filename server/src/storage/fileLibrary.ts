import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

export type LibraryFile = { name: string; bytes: number; builtIn: boolean };

/** Files that replay producers read: uploaded ones, and those that come with the samples. An uploaded one wins. */
export type FileLibrary = {
  /** Where files are looked for, in order. */
  readonly folders: string[];
  list(): Promise<LibraryFile[]>;
  /**
   * Streams a file in under its name; it appears whole or not at all. REQUEST_INVALID for a name that is none,
   * MESSAGE_TOO_LARGE past `bytesMax`, STORAGE_FULL.
   */
  put(name: string, content: Readable, bytesMax: number): Promise<LibraryFile>;
  /** NOT_FOUND. */
  open(name: string): Promise<{ bytes: number; content: Readable }>;
  /** Removes an uploaded file; NOT_FOUND. */
  remove(name: string): Promise<void>;
};

/** No separators, no leading dot: a name never leaves its folder. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\.(jsonl|ndjson|csv)$/i;
const UNFINISHED_PREFIX = '.upload-';

export async function openFileLibrary(uploadFolder: string, builtInFolder: string): Promise<FileLibrary> {
  await mkdir(uploadFolder, { recursive: true });
  for (const entry of await readdir(uploadFolder)) {
    // Left behind by a server that ended in the middle of an upload.
    if (entry.startsWith(UNFINISHED_PREFIX)) await rm(join(uploadFolder, entry), { force: true });
  }
  const find = async (name: string): Promise<{ path: string; file: LibraryFile } | null> => {
    if (!FILE_NAME.test(name)) return null;
    for (const folder of [uploadFolder, builtInFolder]) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null);
      if (found?.isFile())
        return { path, file: { name, bytes: found.size, builtIn: folder === builtInFolder } };
    }
    return null;
  };
  return {
    folders: [uploadFolder, builtInFolder],
    list: async () => {
      const names = new Set([...(await namesIn(uploadFolder)), ...(await namesIn(builtInFolder))]);
      const found = await Promise.all([...names].sort().map(find));
      return found.flatMap((entry) => (entry ? [entry.file] : []));
    },
    put: async (name, content, bytesMax) => {
      if (!FILE_NAME.test(name)) {
        throw new WorkbenchError(
          'REQUEST_INVALID',
          'A file name has letters, digits, dots, dashes and underscores, and ends in .jsonl, .ndjson or .csv.',
        );
      }
      const unfinished = join(uploadFolder, `${UNFINISHED_PREFIX}${randomUUID()}`);
      try {
        // `flush`: the name must not appear before the content is on disk.
        await pipeline(
          content,
          refuseAbove(bytesMax),
          createWriteStream(unfinished, { flags: 'wx', flush: true }),
        );
        await rename(unfinished, join(uploadFolder, name));
      } catch (thrown) {
        await rm(unfinished, { force: true });
        throw uploadError(thrown);
      }
      const stored = await find(name);
      if (!stored) throw notFound(name);
      return stored.file;
    },
    open: async (name) => {
      const found = await find(name);
      if (!found) throw notFound(name);
      return { bytes: found.file.bytes, content: createReadStream(found.path) };
    },
    remove: async (name) => {
      const found = await find(name);
      if (!found || found.file.builtIn) throw notFound(name);
      await rm(found.path, { force: true });
    },
  };
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch(() => []);
  return entries.filter((entry) => FILE_NAME.test(entry));
}

function refuseAbove(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= bytesMax) done(null, chunk);
      else {
        done(
          new WorkbenchError('MESSAGE_TOO_LARGE', `A file may have ${bytesMax} bytes; this one is larger.`, {
            details: { limit: bytesMax },
          }),
        );
      }
    },
  });
}

function notFound(name: string): WorkbenchError {
  return new WorkbenchError('NOT_FOUND', `There is no file named ${name.slice(0, 128)}.`);
}

function uploadError(thrown: unknown): WorkbenchError {
  if (thrown instanceof WorkbenchError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new WorkbenchError(
      'STORAGE_FULL',
      'The disk is full: the file was not kept. Free some space and try again.',
      {
        cause: thrown,
        retryable: true,
      },
    );
  }
  return new WorkbenchError('STORAGE_FAILED', 'The file could not be stored.', {
    cause: thrown,
    retryable: true,
  });
}
