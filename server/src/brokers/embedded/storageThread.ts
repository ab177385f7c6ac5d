import { Worker } from 'node:worker_threads';
import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { Message } from '@millrace/shared/message/message.ts';
import { assert } from '@millrace/shared/util/assert.ts';
import { createByteArena } from '../../bytes/byteArena.ts';
import type { TopicSpec, WriteBatch, WriteResult } from '../broker.ts';
import { brokerClosed } from '../readRules.ts';
import type {
  FromStorage,
  MaintainedPartition,
  SizedPartition,
  StorageSetup,
  ToStorage,
  WriteGroup,
} from './storageProtocol.ts';
import type { HeldRow } from './tailCache.ts';
import { createGroupBuilder } from './writeGroup.ts';

/** A transaction holds about this much, so that the first write of a group does not wait for ever for the last. */
const GROUP_BYTES_MAX = 4 * 1024 * 1024;
const GROUP_WRITES_MAX = 2048;
/** While one group is on its way to the disk, the next is ready. Whatever comes later waits here, not yet encoded. */
const GROUPS_IN_FLIGHT_MAX = 2;

type PendingWrite = {
  batch: WriteBatch;
  partitionIds: number[];
  resolve(result: WriteResult): void;
  reject(error: WorkbenchError): void;
};

type SentWrite = Pick<PendingWrite, 'resolve' | 'reject'> & { firstRows: number[] };

/** Sees every row of a write twice. */
export interface RowKeeper {
  /** The group is about to leave with its bytes; only now can they be copied. `messages` are those of each row. */
  hold(group: WriteGroup, messages: Message[][]): HeldRow[];
  /** A row is durable now. */
  onCommitted(row: HeldRow, base: number): void;
}

export type MaintainedSlice = { changed: MaintainedPartition[]; more: boolean };

type InFlight =
  | { kind: 'group'; writes: SentWrite[]; rows: HeldRow[]; refused: boolean }
  | { kind: 'open'; resolve(partitions: SizedPartition[]): void; reject(error: WorkbenchError): void }
  | { kind: 'maintain'; resolve(slice: MaintainedSlice): void; reject(error: WorkbenchError): void }
  | { kind: 'close'; resolve(): void };

/** The broker's end of its storage thread: gathers writes into groups and hands out what became of them. */
export interface StorageThread {
  open(topics: TopicSpec[]): Promise<SizedPartition[]>;
  maintain(nowMs: number): Promise<MaintainedSlice>;
  /** Writes are applied in the order of the calls; when one fails, all that were asked for before it was known fail too. */
  write(batch: WriteBatch, partitionIds: number[]): Promise<WriteResult>;
  /** Finishes what was asked for. Idempotent. */
  close(): Promise<void>;
}

export async function startStorageThread(setup: StorageSetup, keeper: RowKeeper): Promise<StorageThread> {
  const worker = new Worker(new URL('./storage.worker.ts', import.meta.url), {
    workerData: setup,
    name: 'millrace-storage',
  });
  await started(worker);
  return superviseThread(worker, keeper);
}

function started(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(threadDied(error));
    worker.once('error', onError);
    worker.once('message', (message: FromStorage) => {
      worker.off('error', onError);
      if (message.type === 'failed') reject(WorkbenchError.fromData(message.error));
      else resolve();
    });
  });
}

function superviseThread(worker: Worker, keeper: RowKeeper): StorageThread {
  let pending: PendingWrite[] = [];
  const inFlight: InFlight[] = [];
  const arena = createByteArena();
  let epoch = 0;
  let scheduled = false;
  let closing: Promise<void> | null = null;
  let dead: WorkbenchError | null = null;

  const send = (message: ToStorage, transfer: ArrayBuffer[] = []): void =>
    worker.postMessage(message, transfer);
  const refusal = (): WorkbenchError | null => dead ?? (closing !== null ? brokerClosed() : null);

  const sendGroup = (): void => {
    const builder = createGroupBuilder(arena);
    const writes: SentWrite[] = [];
    for (const { batch, partitionIds, resolve, reject } of pending) {
      if (writes.length >= GROUP_WRITES_MAX || builder.bytes() >= GROUP_BYTES_MAX) break;
      writes.push({ resolve, reject, firstRows: builder.add(batch, partitionIds) });
    }
    pending = pending.slice(writes.length);
    const group = builder.build(epoch);
    inFlight.push({ kind: 'group', writes, rows: keeper.hold(group, builder.messages()), refused: false });
    send(group, [group.bytes.buffer, group.rows.buffer]);
  };
  /** A slice of maintenance between two groups does not keep the next one from being ready. */
  const groupsInFlight = (): number => inFlight.filter(({ kind }) => kind === 'group').length;
  const sendGroups = (): void => {
    scheduled = false;
    while (pending.length > 0 && groupsInFlight() < GROUPS_IN_FLIGHT_MAX) sendGroup();
    if (closing !== null && pending.length === 0 && !inFlight.some(({ kind }) => kind === 'close'))
      sendClose();
  };
  /** Not at once: what the same turn of the event loop writes goes into one group. */
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(sendGroups);
  };
  let onClosed: () => void = () => {};
  const sendClose = (): void => {
    inFlight.push({ kind: 'close', resolve: onClosed });
    send({ type: 'close' });
  };

  const committed = (writes: SentWrite[], rows: HeldRow[], bases: Float64Array): void => {
    for (const [index, row] of rows.entries()) keeper.onCommitted(row, bases[index] as number);
    for (const { firstRows, resolve } of writes) {
      resolve({ bases: firstRows.map((row) => bases[row] as number) });
    }
  };
  const refuseAll = (error: WorkbenchError): void => {
    epoch++;
    for (const request of inFlight) {
      if (request.kind !== 'group' || request.refused) continue;
      request.refused = true;
      for (const write of request.writes) write.reject(error);
    }
    for (const write of pending) write.reject(error);
    pending = [];
  };

  worker.on('message', (message: FromStorage) => {
    const request = inFlight.shift();
    assert(request, `the storage thread answered ${message.type} without having been asked`);
    if (request.kind === 'close') request.resolve();
    else if (request.kind === 'open') {
      if (message.type === 'opened') request.resolve(message.partitions);
      else if (message.type === 'failed') request.reject(WorkbenchError.fromData(message.error));
    } else if (request.kind === 'maintain') {
      if (message.type === 'maintained') request.resolve(message);
      else if (message.type === 'failed') request.reject(WorkbenchError.fromData(message.error));
    } else if (message.type === 'committed') committed(request.writes, request.rows, message.bases);
    else if (message.type === 'failed' && !request.refused) {
      const error = WorkbenchError.fromData(message.error);
      for (const write of request.writes) write.reject(error);
      refuseAll(error);
    }
    schedule();
  });
  const died = (error: WorkbenchError): void => {
    if (dead) return;
    dead = error;
    for (const request of inFlight.splice(0)) {
      if (request.kind === 'open' || request.kind === 'maintain') request.reject(error);
      else if (request.kind === 'close') request.resolve();
      else for (const write of request.writes) if (!request.refused) write.reject(error);
    }
    refuseAll(error);
    onClosed();
  };
  worker.on('error', (error) => died(threadDied(error)));
  worker.on('exit', () => died(closing !== null ? brokerClosed() : threadDied(null)));

  return {
    open: (topics) =>
      new Promise((resolve, reject) => {
        const refused = refusal();
        if (refused) return reject(refused);
        inFlight.push({ kind: 'open', resolve, reject });
        send({ type: 'open', topics });
      }),
    maintain: (nowMs) =>
      new Promise((resolve, reject) => {
        const refused = refusal();
        if (refused) return reject(refused);
        inFlight.push({ kind: 'maintain', resolve, reject });
        send({ type: 'maintain', nowMs });
      }),
    write: (batch, partitionIds) =>
      new Promise((resolve, reject) => {
        const refused = refusal();
        if (refused) return reject(refused);
        pending.push({ batch, partitionIds, resolve, reject });
        schedule();
      }),
    close() {
      closing ??= new Promise<void>((resolve) => {
        onClosed = resolve;
        if (dead) resolve();
        else schedule();
      }).then(async () => {
        await worker.terminate();
      });
      return closing;
    },
  };
}

function threadDied(cause: unknown): WorkbenchError {
  const why = cause === null ? '' : `: ${toWorkbenchError(cause).message}`;
  return new WorkbenchError('STORAGE_FAILED', `The storage thread of this run ended unexpectedly${why}.`, {
    cause,
  });
}
