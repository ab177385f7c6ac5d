import type { NodeCounters } from '@millrace/shared/trace/metrics.ts';
import { type Line, sinkLines, topicLines } from '../support/runs.ts';
import {
  ALL,
  DERIVED_FILE,
  DERIVED_SINK,
  DIRECT_FILE,
  DIRECT_SINK,
  GENERATED,
  GRAVES,
  HANDLED,
  HANDLER,
  INGESTED,
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
  const graves = await topicLines(url, runId, GRAVES);
  const direct = await sinkLines(dataFolder, runId, DIRECT_FILE);
  const derived = await sinkLines(dataFolder, runId, DERIVED_FILE);
  const ids = idsOf(all);
  const poisoned = idsOf(all.filter(isPoisoned));
  const healthy = new Set([...ids].filter((id) => !poisoned.has(id)));
  const indexes = all.flatMap(({ data }) => data.index ?? []).toSorted((a, b) => a - b);
  const healthyLines = all.filter((line) => !isPoisoned(line));

  const miscounted = compareCounters(counters, {
    [GENERATED]: { out: indexes.length },
    [INGESTED]: { out: all.length - indexes.length },
    [ALL]: { in: all.length, out: 2 * all.length },
    [HANDLER]: { in: all.length, out: handled.length, deadLettered: graves.length },
    [HANDLED]: { in: handled.length, out: handled.length },
    [GRAVES]: { in: graves.length },
    [DIRECT_SINK]: { in: all.length },
    [DERIVED_SINK]: { in: handled.length },
  });
  const faults = [
    ...missing('acknowledged messages are not in the log', acknowledged, ids),
    ...generatedOnce(indexes),
    ...same('the file of everything', idsOf(direct), ids),
    ...same('the messages the handler made', causesOf(handled), healthy),
    ...same('the file behind the handler', causesOf(derived), healthy),
    ...same('the dead letters', causesOf(graves), poisoned),
    ...atMostOnce('handled more than once', handled, healthyLines),
    ...atMostOnce('dead-lettered more than once', graves, all.filter(isPoisoned)),
    ...stateCountsEachOnce(handled, healthyLines),
    ...miscounted,
  ];
  return {
    found: [...acknowledged].filter((id) => ids.has(id)).length,
    generated: indexes.length,
    stored: all.length,
    storedAgain: all.length - ids.size,
    deadLetters: graves.length,
    repeatedLines: direct.length - all.length + (derived.length - handled.length),
    countersExact: miscounted.length === 0,
    faults,
  };
}

const idsOf = (lines: Line[]): Set<string> => new Set(lines.map(({ id }) => id));
const causesOf = (lines: Line[]): Set<string> => new Set(lines.map((line) => line.causationid ?? line.id));
/** A dead letter is not the poisoned message itself but tells of it. */
const isPoisoned = ({ data }: Line): boolean => data.poison === 0;

function named(ids: string[]): string {
  const more = ids.length > NAMED_MAX ? ` and ${ids.length - NAMED_MAX} more` : '';
  return `${ids.slice(0, NAMED_MAX).join(', ')}${more}`;
}

function missing(what: string, wanted: ReadonlySet<string>, there: ReadonlySet<string>): string[] {
  const lost = [...wanted].filter((id) => !there.has(id));
  return lost.length === 0 ? [] : [`${lost.length} ${what}: ${named(lost)}`];
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

/** In the log, effects are exactly once: as many results as there are causes, however often a kill had them redone. */
function atMostOnce(what: string, results: Line[], causes: Line[]): string[] {
  const left = new Map<string, number>();
  for (const { id } of causes) left.set(id, (left.get(id) ?? 0) + 1);
  const excess = results.filter(({ causationid = '' }) => {
    const count = left.get(causationid) ?? 0;
    left.set(causationid, count - 1);
    return count <= 0;
  });
  return excess.length === 0
    ? []
    : [`${excess.length} messages were ${what}: ${named(excess.map(({ id }) => id))}`];
}

/** `ctx.state` numbers the messages of a key: no number may be missing or there twice, in the order of the log. */
function stateCountsEachOnce(handled: Line[], causes: Line[]): string[] {
  const seenOf = new Map<string, unknown[]>();
  for (const { partitionkey = '', data } of handled) {
    const seen = seenOf.get(partitionkey) ?? [];
    seenOf.set(partitionkey, seen);
    seen.push(data.seen);
  }
  const faults: string[] = [];
  for (const [key, seen] of seenOf) {
    const wrong = seen.findIndex((count, index) => count !== index + 1);
    if (wrong >= 0)
      faults.push(`the state of key ${key} counted ${String(seen[wrong])} at its message ${wrong + 1}`);
  }
  const counted = [...seenOf.values()].reduce((sum, seen) => sum + seen.length, 0);
  if (counted !== causes.length) faults.push(`state counted ${counted} of ${causes.length} messages`);
  return faults;
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
