import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { destination, type Logger, pino } from 'pino';
import { openLogReader } from './brokers/embedded/readOnlyLog.ts';
import type { ServerConfig } from './config/environment.ts';
import { PAGE_FOLDER, productVersion, SAMPLE_DATA_FOLDER, SAMPLES_FOLDER } from './config/product.ts';
import { createGateway } from './gateway/gateway.ts';
import { createSupervisor } from './live/supervisor.ts';
import { lockFolder } from './sqlite/folderLock.ts';
import { openFileLibrary } from './storage/fileLibrary.ts';
import { openSampleLibrary } from './storage/sampleLibrary.ts';
import { openSqliteStore } from './storage/sqliteStore.ts';
import { openTraceReader } from './trace/traceReader.ts';

/** Says who serves a data folder; only for the message that a second server prints. */
const OWNER_FILE = 'server.json';

export type RunningServer = {
  address: string;
  /** Ends in good order; runs keep their status and go on when a server starts again. Idempotent. */
  close(): Promise<void>;
};

/**
 * Puts the server together and starts it. Rejects with an error whose sentence can be shown as it is, a WorkbenchError with
 * DATA_FOLDER_LOCKED, STORAGE_CORRUPT, STORAGE_FAILED, STORAGE_FULL; or, when it cannot listen, with an Error that says why.
 */
export async function startServer(config: ServerConfig): Promise<RunningServer> {
  const { dataFolder } = config;
  const lock = lockOrExplain(dataFolder);
  const undo: (() => void | Promise<void>)[] = [() => lock.release()];
  const unwind = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const log = createLog(config);
    const store = openSqliteStore(dataFolder);
    undo.push(() => store.close());
    const files = await openFileLibrary(join(dataFolder, 'files'), SAMPLE_DATA_FOLDER);
    const gateway = await createGateway({
      version: productVersion(),
      host: config.host,
      port: config.port,
      allowedOrigins: config.allowedOrigins,
      pageFolder: PAGE_FOLDER,
      store,
      files,
      samples: openSampleLibrary(SAMPLES_FOLDER),
      readers: { openTraces: openTraceReader, openMessages: openLogReader },
      log,
      nowMs: () => Date.now(),
      createSupervisor: (events) =>
        createSupervisor({ runsFolder: join(dataFolder, 'runs'), fileFolders: files.folders, events }),
    });
    undo.push(() => gateway.close());
    const address = await gateway.listen().catch((thrown: unknown) => {
      throw listenError(thrown, config);
    });
    undo.push(nameOwner(dataFolder, address));
    log.info({ address, dataFolder }, 'listening');
    // In the background: a run that is slow to start again must not keep the page from opening.
    gateway.resumeRuns().catch((thrown: unknown) => log.error(toWorkbenchError(thrown), 'runs not resumed'));
    let closing: Promise<void> | null = null;
    return { address, close: () => (closing ??= unwind()) };
  } catch (thrown) {
    await unwind();
    throw thrown;
  }
}

function createLog(config: ServerConfig): Logger {
  const target = config.logTo === 'file' ? join(config.dataFolder, 'server.log') : 2;
  // Written at once: the last lines before a crash are the ones that matter.
  const sink = destination({ dest: target, sync: true, mkdir: true });
  // A full disk must not end a server that can go on without its log.
  sink.on('error', () => {});
  return pino({ level: config.logLevel, base: { pid: process.pid } }, sink);
}

function lockOrExplain(folder: string): { release(): void } {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new WorkbenchError('STORAGE_FAILED', `The data folder ${folder} cannot be made: ${why}`, { cause });
  }
  try {
    return lockFolder(folder);
  } catch (thrown) {
    const error = toWorkbenchError(thrown);
    if (error.code !== 'DATA_FOLDER_LOCKED') throw error;
    throw new WorkbenchError(
      'DATA_FOLDER_LOCKED',
      `The data folder ${folder} is in use by another Millrace server${ownerOf(folder)}. Use that one, stop it, or choose another folder with --data or MILLRACE_DATA.`,
      { cause: error, details: { folder } },
    );
  }
}

/** Returns what takes the name away again. A server can do without: only a message gets shorter. */
function nameOwner(folder: string, address: string): () => void {
  const file = join(folder, OWNER_FILE);
  try {
    writeFileSync(file, JSON.stringify({ pid: process.pid, address }));
  } catch {
    return () => {};
  }
  return () => rmSync(file, { force: true });
}

function ownerOf(folder: string): string {
  const file = join(folder, OWNER_FILE);
  if (!existsSync(file)) return '';
  try {
    const owner: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof owner !== 'object' || owner === null || !('pid' in owner) || !('address' in owner)) return '';
    return ` (process ${String(owner.pid)}, at ${String(owner.address)})`;
  } catch {
    return '';
  }
}

function listenError(thrown: unknown, { host, port }: ServerConfig): Error {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  const because = (sentence: string): Error => new Error(sentence, { cause: thrown });
  switch (code) {
    case 'EADDRINUSE':
      return because(
        `Port ${port} on ${host} is in use by another program. Stop it, or choose another port with --port or MILLRACE_PORT.`,
      );
    case 'EACCES':
      return because(
        `Port ${port} may not be used by this user. Choose one above 1023 with --port or MILLRACE_PORT.`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return because(`${host} is no address of this machine. Choose another with --host or MILLRACE_HOST.`);
    default:
      return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}
