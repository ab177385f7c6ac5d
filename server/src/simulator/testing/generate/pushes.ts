import type { Message } from '@millrace/shared/message/message.ts';
import type { VirtualCommand } from '../../virtualOptions.ts';
import { type Dice, oneOf, share, upTo } from './dice.ts';

const REQUESTS_MAX = 30;
const MESSAGES_MAX = 5;
const WITHIN_MS = 3000;
/** Requests of a burst come within so many milliseconds. */
const BURST_MS = 40;

/** What is pushed into one HTTP producer, mostly in bursts, so that readers fall behind. Every message has an id of its own. */
export function generatePushes(dice: Dice, name: string, startMs: number): VirtualCommand[] {
  const pushes: VirtualCommand[] = [];
  let number = 0;
  const requests = 1 + upTo(dice, REQUESTS_MAX);
  let burstMs = 0;
  for (let index = 0; index < requests; index++) {
    if (share(dice, 0.2)) burstMs = upTo(dice, WITHIN_MS);
    const afterMs = burstMs + upTo(dice, BURST_MS);
    const messages: Message[] = [];
    for (let count = 1 + upTo(dice, MESSAGES_MAX); count > 0; count--, number++)
      messages.push(pushed(dice, `${name}-${number}`, number, startMs + afterMs));
    pushes.push({ afterMs, type: 'ingest', producer: `node:${name}`, messages });
  }
  return pushes;
}

/** As it comes from a gateway: what the sender left open is empty. */
function pushed(dice: Dice, id: string, number: number, timeMs: number): Message {
  return {
    id,
    source: '',
    type: '',
    timeMs,
    key: oneOf(dice, [null, `k${number % 7}`]),
    correlationId: '',
    causationId: null,
    data: JSON.stringify({ number, group: `g${number % 5}` }),
  };
}
