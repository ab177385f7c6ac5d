import { z } from 'zod';
import { edgeIdSchema, nodeIdSchema } from '../flow/ids.ts';

/**
 * Faults are data (SM2): what goes wrong, where and for how long. The engine core performs them, live and simulated alike.
 *
 * | kind | on | what happens |
 * |---|---|---|
 * | crash | consumer, instance | the instance dies: what it had in hand is handled again by others; it joins again when healed |
 * | pause | consumer, instance, partition | nothing is handed out |
 * | slow | consumer, instance, partition | each outcome arrives `delayMs` later per message |
 * | fail | consumer, instance, partition | attempts end as failed, though the code would not |
 * | duplicate | edge to a topic | messages are appended twice under one id, as a producer does that tries again |
 * | delay | edge from a topic | messages are handed out `delayMs` after they were appended |
 * | reorder | edge from a topic | messages are handed out in another order |
 * | lost-acks | topic, partition | appends land, but whoever made them is not told and makes them again |
 * | refuse-appends | topic, partition | appends are refused: producers wait, attempts fail |
 * | corrupt | edge to a topic | payloads are mangled on their way |
 */
export const FAULT_KINDS = [
  'crash',
  'pause',
  'slow',
  'fail',
  'duplicate',
  'delay',
  'reorder',
  'lost-acks',
  'refuse-appends',
  'corrupt',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export const faultTargetSchema = z.strictObject({
  /** A consumer or a topic; for faults of an edge the edge is enough. */
  nodeId: nodeIdSchema.optional(),
  edgeId: edgeIdSchema.optional(),
  instance: z.int().min(0).max(15).optional(),
  partition: z.int().min(0).max(1023).optional(),
});
export type FaultTarget = z.infer<typeof faultTargetSchema>;

export const faultSpecSchema = z.strictObject({
  kind: z.enum(FAULT_KINDS),
  target: faultTargetSchema,
  /** Share of the messages it meets; 1 is all of them. */
  rate: z.number().min(0).max(1),
  /** For `slow` and `delay`. */
  delayMs: z.int().min(0).max(3_600_000),
  /** Heals by itself after so long; null: when somebody heals it. */
  durationMs: z.int().min(1).max(86_400_000).nullable(),
});
export type FaultSpec = z.infer<typeof faultSpecSchema>;

/** A fault that is on. `fired` counts what it has done so far: one that never fired has tested nothing (SM2). */
export const activeFaultSchema = z.strictObject({
  id: z.string().min(1).max(64),
  spec: faultSpecSchema,
  startedMs: z.number(),
  endsMs: z.number().nullable(),
  fired: z.int().min(0),
});
export type ActiveFault = z.infer<typeof activeFaultSchema>;

/** Where a fault of each kind can be put. */
export const FAULT_PLACES: Record<FaultKind, 'consumer' | 'topic' | 'edge-to-topic' | 'edge-from-topic'> = {
  crash: 'consumer',
  pause: 'consumer',
  slow: 'consumer',
  fail: 'consumer',
  duplicate: 'edge-to-topic',
  delay: 'edge-from-topic',
  reorder: 'edge-from-topic',
  'lost-acks': 'topic',
  'refuse-appends': 'topic',
  corrupt: 'edge-to-topic',
};

export const FAULT_TITLES: Record<FaultKind, string> = {
  crash: 'Crash',
  pause: 'Pause',
  slow: 'Slow down',
  fail: 'Fail attempts',
  duplicate: 'Duplicate',
  delay: 'Delay',
  reorder: 'Reorder',
  'lost-acks': 'Lose acknowledgements',
  'refuse-appends': 'Refuse appends',
  corrupt: 'Corrupt payloads',
};
