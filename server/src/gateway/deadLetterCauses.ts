import { causeOf, deadLetterFacts } from '@millrace/shared/deadLetters/cause.ts';
import type { StoredMessage } from '@millrace/shared/message/message.ts';
import type { ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { DeadLetterCause, DeadLetterTopic } from '@millrace/shared/protocol/entities.ts';
import { DEAD_LETTERS_READ_MAX, EXPORT_PAGE_BYTES, EXPORT_PAGE_MESSAGES } from './limits.ts';
import type { MessageLog } from './ports.ts';

export type NamedTopic = { topicId: string; name: string };
type Range = { from: number; start: number; end: number };

/**
 * Rule DL4: the dead letters of some topics, grouped by what made them fail; groups of which most are waiting first. Reads the newest
 * DEAD_LETTERS_READ_MAX, a page at a time so that nobody waits long for it, and counts the rest. `log` is asked for the
 * log again for every page: a reader that was not used for a while is closed.
 */
export async function deadLetterCauses(
  log: () => MessageLog,
  topics: readonly NamedTopic[],
): Promise<ResponseOf<'deadLetters.causes'>> {
  const known = new Set(
    log()
      .topics()
      .map(({ topic }) => topic),
  );
  const there = topics
    .filter(({ topicId }) => known.has(topicId))
    .map((topic) => ({ ...topic, ranges: log().offsets(topic.topicId) }));
  const held = sum(there.flatMap(({ ranges }) => ranges.map(({ start, end }) => end - start)));
  const share = Math.min(1, DEAD_LETTERS_READ_MAX / Math.max(1, held));
  const answer: ResponseOf<'deadLetters.causes'> = { topics: [], truncated: 0 };
  for (const { topicId, name, ranges } of there) {
    const read = ranges.map(({ start, end }) => ({
      start,
      end,
      from: end - Math.ceil((end - start) * share),
    }));
    const { topic, looked } = await causesOfTopic(log, { topicId, name }, read);
    if (topic.total > 0) answer.topics.push(topic);
    answer.truncated += topic.total - looked;
  }
  return answer;
}

async function causesOfTopic(
  log: () => MessageLog,
  { topicId, name }: NamedTopic,
  ranges: Range[],
): Promise<{ topic: DeadLetterTopic; looked: number }> {
  const redriven = new Set(
    log()
      .stateOf(`redriven:${topicId}`)
      .map(({ key }) => key),
  );
  const causes = new Map<string, DeadLetterCause>();
  const older = sum(ranges.map(({ start, from }) => from - start));
  let looked = 0;
  for (const [partition, { from, end }] of ranges.entries()) {
    for await (const page of pagesOf(log, topicId, partition, from, end)) {
      looked += page.length;
      for (const stored of page) take(causes, stored, partition, redriven);
    }
  }
  const sorted = [...causes.values()].sort(
    (a, b) => b.count - b.redriven - (a.count - a.redriven) || b.count - a.count || b.lastMs - a.lastMs,
  );
  return { topic: { topicId, name, total: older + looked, causes: sorted }, looked };
}

function take(
  causes: Map<string, DeadLetterCause>,
  { message, offset, appendedAtMs }: StoredMessage,
  partition: number,
  redriven: ReadonlySet<string>,
): void {
  const facts = deadLetterFacts(message);
  // Something else that was sent to the same topic.
  if (facts === null) return;
  const { nodeId, errorCode, error } = facts;
  const cause = causeOf(facts);
  const entry = causes.get(cause) ?? {
    cause,
    nodeId,
    errorCode,
    error,
    count: 0,
    redriven: 0,
    firstMs: appendedAtMs,
    lastMs: appendedAtMs,
    sample: { partition, offset },
  };
  causes.set(cause, entry);
  entry.count++;
  if (redriven.has(`${partition}/${offset}`)) entry.redriven++;
  entry.firstMs = Math.min(entry.firstMs, appendedAtMs);
  if (appendedAtMs < entry.lastMs) return;
  entry.lastMs = appendedAtMs;
  entry.error = error;
  entry.sample = { partition, offset };
}

async function* pagesOf(
  log: () => MessageLog,
  topic: string,
  partition: number,
  from: number,
  end: number,
): AsyncGenerator<StoredMessage[]> {
  for (let offset = from; offset < end; ) {
    // Retention may have deleted what was there a moment ago.
    const { start = 0 } = log().offsets(topic)[partition] ?? {};
    const fromOffset = Math.max(offset, start);
    if (fromOffset >= end) return;
    const { messages } = log().read({
      topic,
      partition,
      fromOffset,
      messagesMax: EXPORT_PAGE_MESSAGES,
      bytesMax: EXPORT_PAGE_BYTES,
    });
    const last = messages.at(-1);
    if (!last) return;
    yield messages.filter((stored) => stored.offset < end);
    offset = last.offset + 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
