import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { REDRIVES_MAX } from '@millrace/shared/deadLetters/redrive.ts';
import type { NodeCounters } from '@millrace/shared/trace/metrics.ts';
import { type Line, runFolder, sinkLines, topicLines } from '../support/runs.ts';
import {
  ALL,
  DATABASE_FILE,
  DERIVED_FILE,
  DERIVED_SINK,
  DIRECT_FILE,
  DIRECT_SINK,
  GENERATED,
  GRAVES,
  HANDLED,
  HANDLER,
  INGESTED,
  LATEST,
  TABLE_SINK,
} from './crashFlow.ts';

export type Evidence = {
  url: string;
  dataFolder: string;
  runId: string;
  /** What the run says it did. */
  counters: Record<string, NodeCounters>;
  acknowledged: ReadonlySet<string>;
};

export type Verdict = {
  /** Acknowledged over HTTP and in the log. */
  found: number;
  generated: number;
  stored: number;
  /** Messages that the log holds more than once, because their sender never heard that they were taken. */
  storedAgain: number;
  /** Duplicates that the handler passed over, each acknowledged and counted. */
  absorbed: number;
  /** Of the database: one for each message, however often it was sent and written. */
  rows: number;
  /** Dead letters sent back by redrives. */
  sentBack: number;
  /** Taken away by compaction. */
  compacted: number;
  deadLetters: number;
  /** Lines that a sink wrote again because the commit of the first was lost. */
  repeatedLines: number;
  countersExact: boolean;
  /** What is wrong, in sentences; empty when everything is there. */
  faults: string[];
};

/** Of each kind of fault so many are named. */
const NAMED_MAX = 5;

/** Holds the log, the sinks and the counters against what the producers were told. Asks the engine for nothing else. */
export async function verdictOn(evidence: Evidence): Promise<Verdict> {
  const { url, dataFolder, runId, counters, acknowledged } = evidence;
  const all = await topicLines(url, runId, ALL);
  const handled = await topicLines(url, runId, HANDLED);
  const latest = await topicLines(url, runId, LATEST);
  const graves = await topicLines(url, runId, GRAVES);
  const direct = await sinkLines(dataFolder, runId, DIRECT_FILE);
  const derived = await sinkLines(dataFolder, runId, DERIVED_FILE);
  const rows = rowIds(path.join(runFolder(dataFolder, runId), 'files', DATABASE_FILE));
  const ids = idsOf(all);
  const sentBack = all.filter(({ redrives }) => redrives !== undefined);
  const given = { all, handled, graves };
  const indexes = all
    .flatMap(({ data, redrives }) => (redrives === undefined ? (data.index ?? []) : []))
    .toSorted((a, b) => a - b);
  const absorbed = all.length - handled.length - graves.length;

  const miscounted = compareCounters(counters, {
    [GENERATED]: { out: indexes.length },
    [INGESTED]: { out: all.length - indexes.length - sentBack.length },
    [ALL]: { in: all.length, out: 3 * all.length },
    [HANDLER]: {
      in: all.length,
      out: 2 * handled.length,
      deadLettered: graves.length,
      deduplicated: absorbed,
    },
    [LATEST]: { in: handled.length },
    [HANDLED]: { in: handled.length, out: handled.length },
    [GRAVES]: { in: graves.length, redriven: sentBack.length },
    [DIRECT_SINK]: { in: all.length },
    [TABLE_SINK]: { in: all.length, failed: 0 },
    [DERIVED_SINK]: { in: handled.length },
  });
  const faults = [
    ...missing('acknowledged messages are not in the log', acknowledged, ids),
    ...generatedOnce(indexes),
    ...same('the file of everything', idsOf(direct), ids),
    ...same('the database', new Set(rows), ids),
    ...(rows.length === ids.size ? [] : [`the database has ${rows.length} rows for ${ids.size} messages`]),
    ...same('the file behind the handler', causesOf(derived), causesOf(handled)),
    ...eachAnswered(given),
    ...sentBackOnce(graves, sentBack),
    ...stateCountsEachOnce(handled),
    ...keepsTheNewest(latest, handled),
    ...miscounted,
  ];
  return {
    found: [...acknowledged].filter((id) => ids.has(id)).length,
    generated: indexes.length,
    stored: all.length,
    storedAgain: all.length - ids.size - sentBack.length,
    absorbed,
    sentBack: sentBack.length,
    rows: rows.length,
    compacted: handled.length - latest.length,
    deadLetters: graves.length,
    repeatedLines: direct.length - (all.length - sentBack.length) + (derived.length - handled.length),
    countersExact: miscounted.length === 0,
    faults,
  };
}

/** What the table holds, read by nothing of the product. */
function rowIds(file: string): string[] {
  const database = new DatabaseSync(file);
  try {
    return database
      .prepare('SELECT id FROM messages')
      .all()
      .map(({ id }) => String(id));
  } finally {
    database.close();
  }
}

const idsOf = (lines: Line[]): Set<string> => new Set(lines.map(({ id }) => id));
const causesOf = (lines: Line[]): Set<string> => new Set(lines.map((line) => line.causationid ?? line.id));

function named(ids: string[]): string {
  const more = ids.length > NAMED_MAX ? ` and ${ids.length - NAMED_MAX} more` : '';
  return `${ids.slice(0, NAMED_MAX).join(', ')}${more}`;
}

function missing(what: string, wanted: ReadonlySet<string>, there: ReadonlySet<string>): string[] {
  const lost = [...wanted].filter((id) => !there.has(id));
  return told(what, lost);
}

function same(what: string, there: ReadonlySet<string>, wanted: ReadonlySet<string>): string[] {
  return [
    ...missing(`are missing in ${what}`, wanted, there),
    ...missing(`are in ${what} and should not be`, there, wanted),
  ];
}

function generatedOnce(indexes: number[]): string[] {
  const wrong = indexes.findIndex((index, place) => index !== place);
  return wrong < 0 ? [] : [`the generator's message ${wrong} is missing or there twice`];
}

/**
 * In the log effects are exactly once: every copy of a message, sent once or again, by its sender or by a redrive, ends as
 * its one result, as a dead letter, or as a duplicate of that result.
 */
function eachAnswered({ all, handled, graves }: Record<'all' | 'handled' | 'graves', Line[]>): string[] {
  const copies = countBy(all, ({ id }) => id);
  const results = countBy(handled, ({ causationid }) => causationid ?? '');
  const letters = countBy(graves, ({ causationid }) => causationid ?? '');
  const faults = { twice: [] as string[], unanswered: [] as string[], doubled: [] as string[] };
  for (const [id, count] of copies) {
    const left = count - (letters.get(id) ?? 0);
    const made = results.get(id) ?? 0;
    if (made > 1) faults.twice.push(id);
    else if (made === 0 && left > 0) faults.unanswered.push(id);
    else if (left < made) faults.doubled.push(id);
  }
  const strange = [...results.keys(), ...letters.keys()].filter((id) => !copies.has(id));
  return [
    ...told('messages were handled twice', faults.twice),
    ...told('messages were neither handled nor dead-lettered', faults.unanswered),
    ...told('messages have more dead letters than copies', faults.doubled),
    ...told('results and dead letters are of messages that nobody sent', strange),
  ];
}

/** Rule DL5: each dead letter was sent back once, but for those that the loop guard keeps. */
function sentBackOnce(graves: Line[], sentBack: Line[]): string[] {
  const wanted = graves.filter(({ redrives }) => Number(redrives ?? 0) < REDRIVES_MAX);
  const wantedOf = countBy(wanted, ({ causationid }) => causationid ?? '');
  const foundOf = countBy(sentBack, ({ id }) => id);
  const wrong = [...new Set([...wantedOf.keys(), ...foundOf.keys()])].filter(
    (id) => wantedOf.get(id) !== foundOf.get(id),
  );
  return told('messages were not sent back as often as they have dead letters', wrong);
}

function countBy(lines: Line[], name: (line: Line) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(name(line), (counts.get(name(line)) ?? 0) + 1);
  return counts;
}

function told(what: string, ids: string[]): string[] {
  return ids.length === 0 ? [] : [`${ids.length} ${what}: ${named(ids)}`];
}

/** `ctx.state` numbers the messages of a key: no number may be missing or there twice, in the order of the log. */
function stateCountsEachOnce(handled: Line[]): string[] {
  return [...seenByKey(handled)].flatMap(([key, seen]) => {
    const wrong = seen.findIndex((count, index) => count !== index + 1);
    return wrong < 0 ? [] : [`the state of key ${key} counted ${seen[wrong]} at its message ${wrong + 1}`];
  });
}

/** Compaction takes what newer messages of the key replace, and nothing else; those that are left stay in order. */
function keepsTheNewest(latest: Line[], handled: Line[]): string[] {
  const kept = seenByKey(latest);
  return [...seenByKey(handled)].flatMap(([key, seen]) => {
    const left = kept.get(key) ?? [];
    const newest = left.at(-1);
    if (newest !== seen.length)
      return [`the newest of key ${key} in the compacted topic is ${newest}, not ${seen.length}`];
    return left.every((count, index) => index === 0 || count > (left[index - 1] ?? 0))
      ? []
      : [`key ${key} is out of order in the compacted topic`];
  });
}

function seenByKey(lines: Line[]): Map<string, number[]> {
  const byKey = new Map<string, number[]>();
  for (const { partitionkey = '', data } of lines) {
    const seen = byKey.get(partitionkey) ?? [];
    byKey.set(partitionkey, seen);
    seen.push(Number(data.seen));
  }
  return byKey;
}

function compareCounters(
  counters: Record<string, NodeCounters>,
  expected: Record<string, Partial<NodeCounters>>,
): string[] {
  const faults = Object.entries(expected).flatMap(([node, numbers]) =>
    Object.entries(numbers).flatMap(([name, number]) => {
      const counted = counters[node]?.[name as keyof NodeCounters];
      return counted === number
        ? []
        : [`the counter ${name} of ${node} is ${counted}, it should be ${number}`];
    }),
  );
  const { failed, retried, deadLettered } = counters[HANDLER] ?? { failed: 0, retried: 0, deadLettered: 0 };
  if (failed !== retried + deadLettered)
    faults.push(`${failed} attempts failed, but ${retried} were retried and ${deadLettered} dead-lettered`);
  return faults;
}
