import { TIMER_TYPE } from '@millrace/shared/message/message.ts';
import { describe, expect, it } from 'vitest';
import { messageName, messageOrigin } from './messageName.ts';

describe('what a message is called', () => {
  it('is its type, and a timer of its node where a handler has set one', () => {
    expect(messageName('order.placed', 'a1b2')).toBe('order.placed');
    expect(messageName('', 'a1b2')).toBe('a1b2');
    expect(messageName(TIMER_TYPE, 'a1b2')).toBe('timer');
    expect(messageOrigin(TIMER_TYPE, 'Remind')).toBe('Timer of Remind');
    expect(messageOrigin('', 'Shop')).toBe('No message, at Shop');
    expect(messageOrigin('order.placed', 'Shop')).toBe('order.placed from Shop');
  });
});
