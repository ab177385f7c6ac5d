import { watch } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedriveProgress } from '@millrace/shared/deadLetters/redrive.ts';
import type { Random } from '@millrace/shared/util/random.ts';
import type { Client } from '../support/client.ts';
import { descendantsOf, type SystemProcess } from '../support/processes.ts';
import { watchOnce } from '../support/runs.ts';
import { DIRECT_FILE, GRAVES, LATEST } from './crashFlow.ts';

/** What a run may be in the middle of when it is killed. */
export const PHASES = ['append', 'commit', 'compaction', 'redrive', 'recovery', 'any'] as const;
export type Phase = (typeof PHASES)[number];

/** How often a phase is in the deck: for a compaction one may have to wait for seconds. */
const DRAWS: Record<Phase, number> = { append: 3, commit: 3, compaction: 1, redrive: 2, recovery: 3, any: 2 };

/** Deals phases from a shuffled deck, so that a short test meets them all. */
export function dealPhases(random: Random): () => Phase {
  let deck: Phase[] = [];
  return () => {
    if (deck.length === 0) deck = PHASES.flatMap((phase) => Array<Phase>(DRAWS[phase]).fill(phase));
    return deck.splice(random.int(deck.length), 1)[0] as Phase;
  };
}

/** What is known from outside about the run under test. Nothing in the product serves only the harness. */
export type Scene = { client: Client; runId: string; runFolder: string; serverPid: number; random: Random };

const ANY_MS_MAX = 900;
/** A kill follows its sign at once or up to so many milliseconds later, so that it falls on all parts of the phase. */
const AFTER_SIGN_MS_MAX = 3;
const RECOVERY_MS_MAX = 350;
const REDRIVE_MS_MAX = 25;
const LOOK_MS = 10;

/**
 * Each resolves with true when the run has just been seen to begin that phase, and with false when `signal` ends the wait.
 *
 * - append: the write-ahead log of the messages changes; the transaction is durable, and acknowledged, a moment later.
 * - commit: the file sink has written lines, and the commit of what they came from is what follows.
 * - compaction: the run has just counted messages that compaction took away; a pass takes several steps.
 * - redrive: all dead letters are being sent back; the run has said so, or takes them up in this moment.
 * - recovery: the process of the run is there, and on its way up after the last kill.
 * - any: at a random time, whatever goes on.
 */
export const MOMENTS: Record<Phase, (scene: Scene, signal: AbortSignal) => Promise<boolean>> = {
  append: ({ runFolder, random }, signal) => changeOf(path.join(runFolder, 'log.db-wal'), random, signal),
  commit: ({ runFolder, random }, signal) =>
    changeOf(path.join(runFolder, 'files', DIRECT_FILE), random, signal),
  compaction: async ({ client, runId, random }, signal) => {
    const compacted = async (): Promise<number> =>
      (await watchOnce(client, runId)).metrics?.nodes[LATEST]?.expired ?? 0;
    const before = await compacted();
    while ((await compacted()) === before) if (!(await waited(LOOK_MS, signal))) return false;
    return waited(random.int(AFTER_SIGN_MS_MAX + 1), signal);
  },
  redrive: async ({ client, runId, random }, signal) => {
    await redriveAll(client, runId);
    return waited(random.int(REDRIVE_MS_MAX), signal);
  },
  recovery: async ({ serverPid, random }, signal) => {
    while (runProcessOf(serverPid) === undefined) if (!(await waited(1, signal))) return false;
    return waited(random.int(RECOVERY_MS_MAX), signal);
  },
  any: ({ random }, signal) => waited(random.int(ANY_MS_MAX), signal),
};

/** Answers with the one that is under way where there is one: a topic is redriven by one at a time. */
export async function redriveAll(client: Client, runId: string): Promise<RedriveProgress> {
  const { metrics } = await watchOnce(client, runId);
  const underWay = metrics?.redrives.find(({ status }) => status === 'running');
  return (
    underWay ??
    client.request('run.redrive', {
      runId,
      parts: [{ topicId: GRAVES, selection: {} }],
      dryRun: false,
    })
  );
}

async function changeOf(file: string, random: Random, signal: AbortSignal): Promise<boolean> {
  // Not the next change but one after a while, so that the run has got somewhere since the last kill.
  if (!(await waited(random.int(ANY_MS_MAX), signal))) return false;
  const seen = await new Promise<boolean>((resolve) => {
    const watcher = watch(path.dirname(file), (_event, name) => {
      if (name === path.basename(file)) finish(true);
    });
    const finish = (changed: boolean): void => {
      watcher.close();
      signal.removeEventListener('abort', onAbort);
      resolve(changed);
    };
    const onAbort = (): void => finish(false);
    watcher.on('error', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  const afterMs = random.int(AFTER_SIGN_MS_MAX + 1);
  return seen && (afterMs === 0 || waited(afterMs, signal));
}

async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

export function runProcessOf(serverPid: number): SystemProcess | undefined {
  return descendantsOf(serverPid).find(({ command }) => command.includes('runProcess'));
}
