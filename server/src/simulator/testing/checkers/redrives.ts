import { type Message, TIMER_TYPE } from '@millrace/shared/message/message.ts';
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
      return [
        `[DL5] ${what} is marked as sent back ${marked} times and is not in ${topic} as often: ${sentBack}`,
      ];
    if (sentBack > marked * most) return [`[DL5] ${what} was sent back to ${topic} and is not marked`];
    return [];
  });
};

function roundsOf(evidence: Evidence): Map<string, Round> {
  const rounds = new Map<string, Round>();
  const topics = new Map(evidence.run.plan.topics.map(({ topic }) => [topicName(evidence, topic), topic]));
  const roundOf = (what: string, topic: string): Round => {
    const round = rounds.get(what) ?? { what, topic, letters: 0, marked: 0, sentBack: 0 };
    rounds.set(what, round);
    return round;
  };
  const marks = marksOf(evidence);
  for (const { topic } of evidence.run.plan.topics) {
    for (const [partition, stored] of (evidence.testimony.history.get(topic) ?? []).entries()) {
      for (const { message, offset } of stored) {
        const { extensions = {} } = message;
        const { dltopic, dlpartition, dloffset, dlgroup, dlid, dlsource, redriveto } = extensions;
        const redrives = Number(extensions.redrives ?? 0);
        const isMarked = marks.has(`${topic}/${partition}/${offset}`);
        const place = `${dltopic}/${dlpartition}/${dloffset}`;
        const note = (round: Round): void => {
          round.letters++;
          if (isMarked) round.marked++;
        };
        if (redriveto !== undefined) {
          roundOf(`${place} of ${redriveto}, round ${redrives}`, topic).sentBack++;
        } else if (isLetter(evidence, message)) {
          const home = topics.get(String(dltopic)) ?? '';
          note(roundOf(`${place} of ${dlgroup}, round ${redrives + 1}`, home));
        } else if (isMisfitLetter(evidence, message)) {
          // Its topic refuses it each time anew, so that what is sent back is among its dead letters once more.
          const what = `${dlid} from ${dlsource}, refused by ${dlgroup}`;
          note(roundOf(`${what}, round ${redrives + 1}`, topic));
          if (redrives > 0) roundOf(`${what}, round ${redrives}`, topic).sentBack++;
        }
      }
    }
  }
  return rounds;
}

/** Where the dead letters stand that are marked as sent back. */
function marksOf({ run }: Evidence): Set<string> {
  const marks = run.log.state().filter(({ store }) => store.startsWith('redriven:'));
  return new Set(marks.map(({ store, key }) => `${store.slice('redriven:'.length)}/${key}`));
}

/** A dead letter of a consumer, but for those of timers, which are set again and appended nowhere. */
function isLetter({ run }: Evidence, { type, source, extensions }: Message): boolean {
  const consumer = run.plan.consumers.find(({ node }) => node === extensions?.dlgroup);
  if (consumer?.source !== source) return false;
  // What a timer emits has its type, too, but a place.
  return type !== TIMER_TYPE || Number(extensions?.dloffset) >= 0;
}

/** What a topic did not take (TP5). */
function isMisfitLetter({ run }: Evidence, { extensions }: Message): boolean {
  return run.plan.topics.some(({ topic }) => topic === extensions?.dlgroup);
}
