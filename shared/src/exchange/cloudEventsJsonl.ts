import { toCloudEvent } from '../message/cloudEvent.ts';
import type { Message } from '../message/message.ts';

/** One message as one line of CloudEvents JSON. With its offset where it is known. */
export function cloudEventLine(message: Message, offset?: number): string {
  return `${JSON.stringify(toCloudEvent(message, offset))}\n`;
}

/** The messages of a topic, one line each; a generator, so that a topic of any size can be written piece by piece. */
export function* cloudEventLines(
  messages: Iterable<{ message: Message; offset: number }>,
): Generator<string> {
  for (const { message, offset } of messages) yield cloudEventLine(message, offset);
}
