import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { toWorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { lockFolder } from '../../../sqlite/folderLock.ts';
import type { BatchRow } from '../batchRow.ts';
import { rowChecksum } from '../batchRow.ts';
import { logError, logPath, repairedPath, walMapPath, walPath } from '../logErrors.ts';
import { createLogFile, holeAt } from '../logFile.ts';
import { makeLog, openLogForWriting, syncFolder } from '../logSchema.ts';
import { readBooks } from '../partitionBook.ts';
import { commitChecksum, partitionChecksum, stateChecksum } from '../rowChecksums.ts';
import { openDamagedFiles } from './pageView.ts';
import { readBatch, type Salvage, type SavedPartition, salvageFrom } from './salvage.ts';

/** A run of offsets whose messages are lost: from … to, the last included. */
export type Hole = { topic: string; partition: number; from: number; to: number };

export type RepairReport = {
  folder: string;
  /** Why the log was repaired; null for one that is whole, which is left alone. */
  damage: string | null;
  /** The name under which the damaged file is kept. */
  keptAs: string | null;
  partitions: { topic: string; partition: number; start: number; end: number; messages: number }[];
  holes: Hole[];
  commits: number;
  state: number;
  /** Records that were found and are not intact, and batches of which it cannot be told where they belong. */
  discarded: number;
};

const EMPTY: Omit<RepairReport, 'folder' | 'damage'> = {
  keptAs: null,
  partitions: [],
  holes: [],
  commits: 0,
  state: 0,
  discarded: 0,
};
const NO_BYTES = new Uint8Array();

/**
 * Copies what can be read of a damaged log into a new one, under the same offsets, and keeps the damaged files beside it
 * (rule TP7). Messages that are lost leave a hole of offsets; where the end of a partition is lost, numbering goes on
 * after what is left, and commits beyond it are moved back to it. Throws DATA_FOLDER_LOCKED while a run has the log open.
 */
export function repairLog(folder: string): RepairReport {
  const lock = lockFolder(folder);
  try {
    // A repair that was killed at its last step has only to be finished.
    if (!existsSync(logPath(folder)) && existsSync(repairedPath(folder)))
      finish(folder, damagedName(nextDamaged(folder) - 1));
    const damage = findDamage(folder);
    return damage === null ? { folder, damage: null, ...EMPTY } : repair(folder, damage);
  } catch (thrown) {
    throw logError(thrown, folder);
  } finally {
    lock.release();
  }
}

/** Reads all of the log; null when every byte that counts is as it was written. */
function findDamage(folder: string): string | null {
  let database: DatabaseSync | undefined;
  try {
    database = openLogForWriting(folder, 'fsync');
    readBooks(database, folder);
    const file = createLogFile(database, folder);
    for (const { topic } of file.topics()) {
      for (const partition of file.partitions(topic)) {
        for (let offset = partition.start; offset < partition.end; ) {
          const row = file.rowAt(partition, offset);
          if (row === null) return holeAt(folder, partition, offset).message;
          offset = row.end;
        }
      }
    }
    file.commits();
    file.state();
    return null;
  } catch (thrown) {
    const error = toWorkbenchError(thrown);
    if (error.code !== 'STORAGE_CORRUPT') throw error;
    return error.message;
  } finally {
    if (database?.isOpen) database.close();
  }
}

function repair(folder: string, damage: string): RepairReport {
  const files = openDamagedFiles(folder);
  try {
    const salvage = salvageFrom(files);
    const written = writeAside(folder, salvage);
    return { folder, damage, ...written, keptAs: setAside(folder) };
  } finally {
    files.close();
  }
}

type Written = Omit<RepairReport, 'folder' | 'damage' | 'keptAs'>;

/** The new log gets its name when it is complete: whatever has that name may take the place of the damaged one. */
function writeAside(folder: string, salvage: Salvage): Written {
  const unfinished = `${logPath(folder)}.repairing`;
  rmSync(unfinished, { force: true });
  try {
    makeLog(folder, unfinished);
    const database = new DatabaseSync(unfinished);
    let written: Written;
    try {
      written = writeLog(database, salvage);
    } finally {
      database.close();
    }
    renameSync(unfinished, repairedPath(folder));
    return written;
  } catch (thrown) {
    rmSync(unfinished, { force: true });
    throw thrown;
  }
}

function writeLog(database: DatabaseSync, salvage: Salvage): Written {
  const ends = new Map<string, number>();
  const partitions: RepairReport['partitions'] = [];
  const holes: Hole[] = [];
  database.exec('BEGIN');
  for (const saved of salvage.partitions) {
    const range = writePartition(database, saved, holes);
    ends.set(`${saved.topic}\n${saved.partition}`, range.end);
    partitions.push({ topic: saved.topic, partition: saved.partition, ...range });
  }
  const saveCommit = database.prepare('INSERT INTO commits VALUES (?, ?, ?, ?, ?)');
  for (const { group, topic, partition, offset } of salvage.commits) {
    const end = ends.get(`${topic}\n${partition}`);
    if (end === undefined) continue;
    const inside = Math.min(offset, end);
    saveCommit.run(group, topic, partition, inside, commitChecksum(group, topic, partition, inside));
  }
  const saveEntry = database.prepare('INSERT INTO state VALUES (?, ?, ?, ?)');
  for (const { store, key, value } of salvage.state)
    saveEntry.run(store, key, value, stateChecksum(store, key, value));
  database.exec('COMMIT');
  return {
    partitions,
    holes,
    commits: salvage.commits.length,
    state: salvage.state.length,
    discarded: salvage.damaged + salvage.nameless,
  };
}

/** A hole at the front moves the start, one at the end the end; one between batches becomes offsets without messages. */
function writePartition(
  database: DatabaseSync,
  { id, topic, partition, start, sealedEnd, batches }: SavedPartition,
  holes: Hole[],
): { start: number; end: number; messages: number } {
  const append = database.prepare(
    `INSERT INTO batches (partition_id, base_offset, count, removed, appended_ms, crc32, offsets, data)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const write = (row: Omit<BatchRow, 'crc'>): void => {
    const { base, count, removed, appendedMs, offsets, data } = row;
    append.run(id, base, count, removed, appendedMs, rowChecksum(id, row), offsets, data);
  };
  const lose = (from: number, to: number): void => {
    if (to > from) holes.push({ topic, partition, from, to: to - 1 });
  };

  // Without any batch left, numbering goes on where it was known to be.
  const first = batches[0]?.base ?? Math.max(start, sealedEnd);
  lose(start, first);
  let end = first;
  let messages = 0;
  for (const batch of batches) {
    const row = readBatch(batch);
    if (batch.base > end) {
      lose(end, batch.base);
      const place = { base: end, count: 0, removed: batch.base - end, appendedMs: row.appendedMs };
      write({ ...place, offsets: null, data: NO_BYTES });
    }
    write(row);
    end = batch.end;
    messages += batch.count;
  }
  lose(end, sealedEnd);
  const columns = [id, topic, partition, first, end, 0, null, 0];
  database
    .prepare(
      `INSERT INTO partitions (id, topic, partition, first_offset, sealed_end, cleaned_to, tombstone_due_ms, revision,
         checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(id, topic, partition, first, end, 0, null, 0, partitionChecksum(columns));
  return { start: first, end, messages };
}

/**
 * Renames the damaged files and puts the repaired one in their place; the name of the damaged one. The log goes first: from
 * then on nobody opens what is there, and a repair that is killed is finished by the next.
 */
function setAside(folder: string): string {
  const name = damagedName(nextDamaged(folder));
  if (existsSync(logPath(folder))) renameSync(logPath(folder), path.join(folder, name));
  finish(folder, name);
  return name;
}

/** What belonged to the damaged file must not be taken for the new one's. */
function finish(folder: string, name: string): void {
  for (const [file, suffix] of [
    [walPath(folder), '-wal'],
    [walMapPath(folder), '-shm'],
  ] as const)
    if (existsSync(file)) renameSync(file, path.join(folder, `${name}${suffix}`));
  renameSync(repairedPath(folder), logPath(folder));
  syncFolder(folder);
}

const damagedName = (number: number): string => `log.db.damaged-${number}`;

function nextDamaged(folder: string): number {
  let number = 1;
  while (existsSync(path.join(folder, damagedName(number)))) number++;
  return number;
}
