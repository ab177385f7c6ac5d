import { TIMER_TYPE } from '@millrace/shared/message/message.ts';

/**
 * What a message is called where people read it. A timer that a handler has set is one of its own, whatever its type; it
 * heads a trace whose beginning is not known, because sampling left it out or the run was forked behind it.
 */
export function messageName(type: string, otherwise: string): string {
  if (type === TIMER_TYPE) return 'timer';
  return type === '' ? otherwise : type;
}

/** The same as a sentence, for a title. */
export function messageOrigin(type: string, nodeName: string): string {
  if (type === TIMER_TYPE) return `Timer of ${nodeName}`;
  return type === '' ? `No message, at ${nodeName}` : `${type} from ${nodeName}`;
}
