import type {
  PlacedLetter,
  RedriveProgress,
  RedriveSelection,
} from '@millrace/shared/deadLetters/redrive.ts';
import type { StoredMessage } from '@millrace/shared/message/message.ts';

/** Redrives of a run (DL5), what was sent back by them, and what they wait for. */
export type Redrives = {
  /** Oldest first; the last REDRIVES_KEPT_MAX of them. */
  jobs: RedriveJob[];
  dryRuns: RedriveJob[];
  /** Job → selection of each of its parts. */
  selections: Map<string, RedriveSelection[]>;
  fetches: Map<number, RedriveJob>;
  /** Topic → offsets, per partition, of dead letters that were sent back. */
  marks: Map<string, Map<number, Set<number>>>;
  nextNumber: number;
};

/** What the `redrive` store holds of a job; it is written together with what the job appends. */
export type StoredJob = Omit<RedriveProgress, 'topicIds'> & { parts: JobPart[] };
/** How far the job has looked through one of its topics. */
export type JobPart = { topicId: string; partitions: JobPartition[] };
export type JobPartition = { next: number; end: number };

export type RedriveJob = StoredJob & {
  /** Of a dry run: who is answered when it is done. */
  requestId: number | null;
  /** For each part. */
  selectors: ((letter: PlacedLetter) => boolean)[];
  /** What of it is durable. */
  shown: RedriveProgress;
  unsaved: boolean;
  /** Dead letters of one partition of one part that were read and not yet looked at, from `head` on. */
  buffer: StoredMessage[];
  head: number;
  part: number;
  partition: number;
  fetchId: number | null;
  fetchFailures: number;
  fetchAtMs: number;
};
