import { PADDING } from '../flows.ts';

/** What Millrace's handlers do, for those that run it as plain functions; JSON in and out, as everywhere. */
export function produced(index: number): string {
  return JSON.stringify({ index, customer: `customer-${index}`, note: PADDING });
}

export function handled(text: string): string {
  const data = JSON.parse(text) as { stage?: number };
  return JSON.stringify({ ...data, stage: (data.stage ?? 0) + 1 });
}

/** Two handlers between three topics. */
export const HOPS = 3;

/** Fails where a message was lost or came twice, for then the rate means nothing. */
export function mustBeAll(indexes: Set<number>, messages: number, who: string): void {
  if (indexes.size !== messages) throw new Error(`${who} brought ${indexes.size} of ${messages} messages`);
}
