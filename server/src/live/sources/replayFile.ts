import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

const SHOWN_FILES_MAX = 20;
const RECORDING = /\.(jsonl|ndjson|json|csv|tsv|txt)$/i;

/** The first of the folders that holds the file. Names that lead out of a folder are refused with SOURCE_NOT_FOUND. */
export async function findReplayFile(name: string, folders: readonly string[]): Promise<string> {
  const leadsOut =
    path.isAbsolute(name) ||
    /^[a-z]:/i.test(name) ||
    name.split(/[\\/]/).includes('..') ||
    name.includes('\0');
  if (!leadsOut) {
    for (const folder of folders) {
      const found = await fileIn(folder, name);
      if (found !== null) return found;
    }
  }
  const there = await recordingsIn(folders);
  const reason = leadsOut
    ? `"${name}" must be the name of a file in the folder of the flow or of uploads, without a path that leads out of it.`
    : `There is no file "${name}".`;
  const offer =
    there.length > 0 ? ` There are: ${there.join(', ')}.` : ' Upload one, or put it beside the flow.';
  throw new WorkbenchError('SOURCE_NOT_FOUND', `${reason}${offer}`, {
    details: { file: name, available: there },
  });
}

/** Follows symbolic links, and takes only what lies in the folder in the end. */
async function fileIn(folder: string, name: string): Promise<string | null> {
  try {
    const root = await realpath(folder);
    const file = await realpath(path.join(root, name));
    if (!file.startsWith(root + path.sep)) return null;
    return (await stat(file)).isFile() ? file : null;
  } catch {
    return null;
  }
}

async function recordingsIn(folders: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const folder of folders) {
    const entries = await readdir(folder).catch(() => [] as string[]);
    for (const entry of entries) if (RECORDING.test(entry)) names.add(entry);
  }
  return [...names].sort().slice(0, SHOWN_FILES_MAX);
}
