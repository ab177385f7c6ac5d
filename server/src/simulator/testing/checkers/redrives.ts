import type { Message } from '@millrace/shared/message/message.ts';
import { TIMER_TYPE } from '../../../engine/runtime/timers.ts';
import { type Checker, copiesAppended, type Evidence, topicName, type Violation } from './evidence.ts';

/** What tells the messages that one dead letter may have been sent back as: its cause, its consumer and its round. */
type Round = { what: string; topic: string; letters: number; marked: number; sentBack: number };

/**
 * Rule DL5: a dead letter that is marked as sent back is in its topic again, once, and what was sent back is marked. The
 * same message may have several dead letters of one round, each of which can be sent back.
 */
export const checkRedriven: Checker = (evidence) => {
  const rounds = roundsOf(evidence);
  return [...rounds.values()].flatMap(({ what, topic, letters, marked, sentBack }): Violation[] => {
    const most = copiesAppended(evidence, null, topic);
    if (sentBack > letters * most)
      return [`[DL5] ${what} was sent back ${sentBack} times to ${topic}, of ${letters} dead letters`];
    if (sentBack < marked)
      return [`[DL5] ${what} is marked as sent back ${marked} times and is not in ${topic} as often: ${sentBack}`];
    if (sentBack > marked * most) return [`[DL5] ${what} was sent back to ${topic} and is not marked`];
    return [];
  });
};

function roundsOf(evidence: Evidence): Map<string, Round> {
  const rounds = new Map<string, Round>();
  const topics = new Map(evidence.run.plan.topics.map(({ topic }) => [topicName(evidence, topic), topic]));
  const roundOf = (message: Message, group: unknown, redrives: number): Round => {
    const { dltopic, dlpartition, dloffset } = message.extensions ?? {};
    const what = `${dltopic}/${dlpartition}/${dloffset} of ${group}, round ${redrives}`;
    const round = rounds.get(what) ?? {
      what,
      topic: topics.get(String(dltopic)) ?? '',
      letters: 0,
      marked: 0,
      sentBack: 0,
    };
    rounds.set(what, round);
    return round;
  };
  const marks = new Set(
    evidence.run.log
      .state()
      .flatMap(({ store, key }) =>
        store.startsWith('redriven:') ? [`${store.slice('redriven:'.length)}/${key}`] : [],
      ),
  );
  for (const { topic } of evidence.run.plan.topics) {
    for (const [partition, stored] of (evidence.testimony.history.get(topic) ?? []).entries()) {
      for (const { message, offset } of stored) {
        if (isSentBack(message)) {
          roundOf(message, message.extensions?.redriveto, redrivesOf(message)).sentBack++;
        } else if (isLetter(evidence, message)) {
          const round = roundOf(message, message.extensions?.dlgroup, redrivesOf(message) + 1);
          round.letters++;
          if (marks.has(`${topic}/${partition}/${offset}`)) round.marked++;
        }
      }
    }
  }
  return rounds;
}

function redrivesOf({ extensions }: Message): number {
  return Number(extensions?.redrives ?? 0);
}

function isSentBack({ extensions }: Message): boolean {
  return extensions?.redriveto !== undefined;
}

/** A dead letter of a consumer, but for those of timers, which are set again and appended nowhere. */
function isLetter({ run }: Evidence, { type, source, extensions }: Message): boolean {
  const consumer = run.plan.consumers.find(({ node }) => node === extensions?.dlgroup);
  if (consumer?.source !== source) return false;
  // What a timer emits has its type, too, but a place.
  return type !== TIMER_TYPE || Number(extensions?.dloffset) >= 0;
}
