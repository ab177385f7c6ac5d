import {
  REDRIVES_MAX,
  type RedriveCounts,
  type RedrivePart,
  type RedriveSelection,
} from '@millrace/shared/deadLetters/redrive.ts';
import type { DeadLetterTopic } from '@millrace/shared/protocol/entities.ts';

/** Names one cause of one topic among all that can be chosen. */
export function causeKey(topicId: string, cause: string): string {
  return `${topicId}\n${cause}`;
}

/** What a redrive of the chosen causes consists of. A topic of which all are chosen needs no list of them. */
export function partsOf(
  topics: readonly DeadLetterTopic[],
  chosen: ReadonlySet<string>,
  messageKey: string,
): RedrivePart[] {
  const key = messageKey.trim();
  const narrowed: RedriveSelection = key === '' ? {} : { key };
  return topics.flatMap(({ topicId, causes }) => {
    const picked = causes.map(({ cause }) => cause).filter((cause) => chosen.has(causeKey(topicId, cause)));
    if (picked.length === 0) return [];
    if (picked.length === causes.length) return [{ topicId, selection: narrowed }];
    return [{ topicId, selection: { ...narrowed, causes: picked } }];
  });
}

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
