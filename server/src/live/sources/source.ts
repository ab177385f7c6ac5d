import type { SourceItem } from '../../engine/io.ts';

/**
 * What a producer node reads from: a template, a file, a calendar. Pull-based: nothing is read until asked, and
 * everything about the position is in the cursor, so that a run resumes exactly where its last durable append was.
 */
export interface Source {
  /**
   * Up to `itemsMax` items after `cursor` (null: the first). The same cursor gives the same items. `done` says that
   * nothing follows. Rejects with SOURCE_NOT_FOUND, SOURCE_UNREADABLE (`details.line`), TEMPLATE_INVALID or CRON_INVALID.
   */
  read(cursor: string | null, itemsMax: number): Promise<{ items: SourceItem[]; done: boolean }>;
  close(): Promise<void>;
}

export type SourceEnvironment = {
  /** Folders searched for replay files, in order. */
  fileFolders: readonly string[];
  seed: number;
  nowMs: () => number;
  /** When the run started first; the same after every restart. `SourceItem.dueMs` counts from it. */
  startedMs: number;
};
