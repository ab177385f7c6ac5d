import type { Message } from '@millrace/shared/message/message.ts';
import { keyText, readPath } from '@millrace/shared/message/payloadPath.ts';
import type { PlannedConsumer } from '../../../engine/plan/plan.ts';

/** The key as rule DL6 words it, found without the engine's code. */
export function dedupKeyOf({ idempotency }: PlannedConsumer, message: Message): string {
  if (idempotency.window === 'off' || idempotency.key === '') return message.id;
  const values = idempotency.key
    .split(',')
    .map((path) => keyText(readPath(JSON.parse(message.data), path.trim())));
  return values.every((value) => value === null) ? message.id : JSON.stringify(values);
}
