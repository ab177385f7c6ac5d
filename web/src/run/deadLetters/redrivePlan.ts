import {
  REDRIVES_MAX,
  type RedriveCounts,
  type RedriveSelection,
  zeroRedriveCounts,
} from '@millrace/shared/deadLetters/redrive.ts';
import type { DeadLetterTopic } from '@millrace/shared/protocol/entities.ts';

/** One redrive of the server's: of one topic, by one cause or of all that it holds. */
export type RedriveJob = { topicId: string; selection: RedriveSelection };

/** Names one cause of one topic among all that can be chosen. */
export function causeKey(topicId: string, cause: string): string {
  return `${topicId}\n${cause}`;
}

/**
 * What has to be asked of the server so that exactly the chosen causes are sent back: a selection names one cause or
 * none, so a topic of which all are chosen takes one job and every other topic one for each.
 */
export function planOf(
  topics: readonly DeadLetterTopic[],
  chosen: ReadonlySet<string>,
  messageKey: string,
): RedriveJob[] {
  const key = messageKey.trim();
  const narrowed: RedriveSelection = key === '' ? {} : { key };
  return topics.flatMap(({ topicId, causes }) => {
    const picked = causes.filter(({ cause }) => chosen.has(causeKey(topicId, cause)));
    if (picked.length === 0) return [];
    if (picked.length === causes.length) return [{ topicId, selection: narrowed }];
    return picked.map(({ cause }) => ({ topicId, selection: { ...narrowed, cause } }));
  });
}

/** The sum of several jobs. Those of one topic look at the same dead letters, which are counted once. */
export function addUp(parts: readonly { topicId: string; counts: RedriveCounts }[]): RedriveCounts {
  const total = zeroRedriveCounts();
  for (const ofTopic of Map.groupBy(parts, ({ topicId }) => topicId).values()) {
    const looked = Math.max(...ofTopic.map(({ counts }) => counts.looked));
    let settled = 0;
    for (const { counts } of ofTopic) {
      for (const name of SETTLED) {
        total[name] += counts[name];
        settled += counts[name];
      }
    }
    total.looked += looked;
    total.passed += Math.max(0, looked - settled);
  }
  return total;
}

const SETTLED = ['redriven', 'already', 'guarded', 'homeless'] as const;

export type Outcome = { name: keyof RedriveCounts; count: number; text: string; why: string };

/** What happens, or would happen, to the dead letters that were looked at; what is none of it is left out. */
export function outcomes(counts: RedriveCounts, isDryRun: boolean): Outcome[] {
  const would = isDryRun ? 'would be sent back' : 'sent back';
  const all: Outcome[] = [
    {
      name: 'redriven',
      count: counts.redriven,
      text: would,
      why: 'To the topic each came from, with its id and its history.',
    },
    {
      name: 'already',
      count: counts.already,
      text: 'sent back before',
      why: 'A second copy would be a duplicate.',
    },
    {
      name: 'guarded',
      count: counts.guarded,
      text: 'stopped by the loop guard',
      why: `They have been sent back ${REDRIVES_MAX} times already, and came back each time.`,
    },
    {
      name: 'homeless',
      count: counts.homeless,
      text: 'without a home',
      why: 'Their topic or their consumer is not in the flow any more.',
    },
    { name: 'passed', count: counts.passed, text: 'not selected', why: 'They stay as they are.' },
  ];
  return all.filter(({ name, count }) => count > 0 || name === 'redriven');
}
