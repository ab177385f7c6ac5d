import { z } from 'zod';
import type { Message } from '../message/message.ts';
import { causeOf, deadLetterFacts } from './cause.ts';

/** Causes that one selection names at most; more of a topic are sent back by leaving them out, or one job after another. */
export const REDRIVE_CAUSES_MAX = 1_000;
/** Topics that one redrive sends back from at most. */
export const REDRIVE_TOPICS_MAX = 256;

/** Which dead letters of a topic: all that match every part that is given. */
export const redriveSelectionSchema = z.strictObject({
  /** As `causeOf` names them: those of any of these. */
  causes: z.array(z.string().max(2048)).max(REDRIVE_CAUSES_MAX).optional(),
  /** The consumer that gave up on them. */
  nodeId: z.string().max(128).optional(),
  errorCode: z.string().max(64).optional(),
  key: z.string().max(1024).optional(),
  /** Exactly these. */
  places: z
    .array(z.strictObject({ partition: z.int().min(0), offset: z.int().min(0) }))
    .max(10_000)
    .optional(),
});
export type RedriveSelection = z.infer<typeof redriveSelectionSchema>;

/** What one redrive sends back: of each of these topics, what its selection takes. */
export const redrivePartsSchema = z
  .array(z.strictObject({ topicId: z.string().max(256), selection: redriveSelectionSchema }))
  .min(1)
  .max(REDRIVE_TOPICS_MAX)
  .refine((parts) => new Set(parts.map(({ topicId }) => topicId)).size === parts.length, {
    message: 'Each topic is named once.',
  });
export type RedrivePart = z.infer<typeof redrivePartsSchema>[number];

export const REDRIVE_STATUSES = ['running', 'cancelled', 'done'] as const;

/** What a redrive has done so far, or, of a dry run, would do. The parts add up to `looked`. */
export const redriveCountsSchema = z.strictObject({
  /** Dead letters read. */
  looked: z.int().min(0),
  /** Sent back to the topic they came from. */
  redriven: z.int().min(0),
  /** Not selected. */
  passed: z.int().min(0),
  /** Sent back before; their second copy would be a duplicate. */
  already: z.int().min(0),
  /** Stopped by the loop guard: they have been sent back `REDRIVES_MAX` times. */
  guarded: z.int().min(0),
  /** Their topic or their consumer is not in the flow any more, or the topic would refuse them again. */
  homeless: z.int().min(0),
});
export type RedriveCounts = z.infer<typeof redriveCountsSchema>;

export const redriveProgressSchema = z.strictObject({
  id: z.string(),
  /** The topics of dead letters it sends back from, one after the other. */
  topicIds: z.array(z.string()),
  status: z.enum(REDRIVE_STATUSES),
  startedMs: z.number(),
  counts: redriveCountsSchema,
  /** Dead letters that were there when it began, in all its topics. */
  total: z.int().min(0),
});
export type RedriveProgress = z.infer<typeof redriveProgressSchema>;

/** Rule DL5: the loop guard stops the third round trip. */
export const REDRIVES_MAX = 2;

export function zeroRedriveCounts(): RedriveCounts {
  return { looked: 0, redriven: 0, passed: 0, already: 0, guarded: 0, homeless: 0 };
}

/** A dead letter and where it stands in its topic. */
export type PlacedLetter = { message: Message; partition: number; offset: number };

/** What a selection means. Messages that are no dead letters are never selected. */
export function selectorOf(selection: RedriveSelection): (letter: PlacedLetter) => boolean {
  const { causes, nodeId, errorCode, key, places } = selection;
  const named = causes && new Set(causes);
  const chosen = places && new Set(places.map(({ partition, offset }) => `${partition}/${offset}`));
  return ({ message, partition, offset }) => {
    const facts = deadLetterFacts(message);
    return (
      facts !== null &&
      (chosen === undefined || chosen.has(`${partition}/${offset}`)) &&
      (nodeId === undefined || facts.nodeId === nodeId) &&
      (errorCode === undefined || facts.errorCode === errorCode) &&
      (key === undefined || message.key === key) &&
      (named === undefined || named.has(causeOf(facts)))
    );
  };
}

/** Names the one group that handles a message that was sent back; the others have handled it already (DL5). */
const REDRIVE_TO = 'redriveto';

export function redriveTarget({ extensions }: Pick<Message, 'extensions'>): string | null {
  const target = extensions?.[REDRIVE_TO];
  return typeof target === 'string' ? target : null;
}

/** How often a message has been sent back. */
export function redrivesOf({ extensions }: Pick<Message, 'extensions'>): number {
  return Number(extensions?.redrives ?? 0);
}

/**
 * The message that a dead letter was made of: same id, so that it stays recognisable, with its history beside it.
 * `group` is the consumer that is to try again, null where none had a part in it (TP5).
 */
export function restoreLetter(letter: Message, group: string | null): Message {
  const { extensions = {} } = letter;
  const { dlid, dlsource, dlcausation } = extensions;
  return {
    ...letter,
    id: String(dlid ?? letter.id),
    source: String(dlsource ?? letter.source),
    causationId: dlcausation === undefined ? null : String(dlcausation),
    extensions: {
      ...extensions,
      redrives: redrivesOf(letter) + 1,
      ...(group === null ? {} : { [REDRIVE_TO]: group }),
    },
  };
}

/** Attributes that a dead letter takes over from its message: a dead letter is for everybody who reads them. */
export function withoutTarget(extensions: Message['extensions']): Message['extensions'] {
  if (extensions === undefined || !(REDRIVE_TO in extensions)) return extensions;
  const { [REDRIVE_TO]: _, ...rest } = extensions;
  return rest;
}

/** Attributes that a message takes over from the one it is made of: that this one was sent back is not its history. */
export function withoutRedrive({ id, extensions }: Message): Message['extensions'] {
  if (extensions === undefined || !('redrives' in extensions)) return extensions;
  // A dead letter that is passed on by a reader of its topic stays one; a message that was sent back is none.
  const isSentBack = extensions.dlid === id;
  const kept = Object.entries(extensions).filter(
    ([name]) => name !== 'redrives' && name !== REDRIVE_TO && !(isSentBack && name.startsWith('dl')),
  );
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
