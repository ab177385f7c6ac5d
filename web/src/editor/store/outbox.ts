import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowPatch, FlowRecord } from '@millrace/shared/flow/records.ts';
import type { RecordsDiff } from './diff.ts';

/** Changes gather this long before they leave, so that a drag is a few patches and not sixty a second. */
const GATHER_MS = 120;
const RETRY_MS = 1000;
const RETRY_MS_MAX = 8000;

export type OutboxState =
  | { state: 'saved' }
  | { state: 'saving'; changes: number }
  | { state: 'waiting'; changes: number }
  | { state: 'refused'; error: WorkbenchError };

export type OutboxOptions = {
  send: (patchId: string, patch: FlowPatch) => Promise<{ revision: number }>;
  newPatchId: () => string;
  onState: (state: OutboxState) => void;
  onRevision: (revision: number) => void;
  /** The server will not take this patch, now or later. The page must show the server's state again. */
  onRefused: (error: WorkbenchError) => void;
};

type Pending = Map<string, FlowRecord | null>;

/**
 * What has been changed here and is not yet known to be on the server. Holds the newest value of each record, so its
 * size is bounded by the document. Patches put whole records: sending one twice does no harm, which is what makes
 * retrying after a lost acknowledgement safe.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #pending: Pending;
  #inFlight: Pending | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryMs = RETRY_MS;
  #closed = false;
  #finishing = false;

  constructor(options: OutboxOptions, saved: readonly [string, FlowRecord | null][] = []) {
    this.#options = options;
    this.#pending = new Map(saved);
  }

  /** Ids whose newest value is ours and not the server's yet. */
  has(id: string): boolean {
    return this.#pending.has(id) || (this.#inFlight?.has(id) ?? false);
  }

  get unsent(): [string, FlowRecord | null][] {
    return [...new Map([...(this.#inFlight ?? []), ...this.#pending])];
  }

  add(diff: RecordsDiff): void {
    for (const [id, { after }] of diff) this.#pending.set(id, after);
    if (diff.size > 0) this.#schedule(GATHER_MS);
  }

  /** Tries at once, for instance because the line is up again. */
  flush(): void {
    this.#retryMs = RETRY_MS;
    this.#schedule(0);
  }

  /** Sends what is left, once: whoever opens the flow next finds the rest in the keepsake. */
  finish(): void {
    this.#finishing = true;
    this.#schedule(0);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** As a person counts: a node and its place are one. */
  #changes(): number {
    const ids = new Set(this.unsent.map(([id]) => id.replace(/^layout:/, '')));
    return ids.size;
  }

  #schedule(delayMs: number): void {
    if (this.#closed) return;
    if (this.#pending.size > 0) this.#options.onState({ state: 'saving', changes: this.#changes() });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#sendNow(), delayMs);
  }

  async #sendNow(): Promise<void> {
    if (this.#inFlight || this.#pending.size === 0 || this.#closed) return;
    const sending = this.#pending;
    this.#inFlight = sending;
    this.#pending = new Map();
    const patch: FlowPatch = { put: [], remove: [] };
    for (const [id, record] of sending) {
      if (record) patch.put.push(record);
      else patch.remove.push(id);
    }
    try {
      const { revision } = await this.#options.send(this.#options.newPatchId(), patch);
      this.#inFlight = null;
      this.#retryMs = RETRY_MS;
      this.#options.onRevision(revision);
      if (this.#pending.size > 0) this.#schedule(0);
      else this.#options.onState({ state: 'saved' });
    } catch (thrown) {
      this.#failed(sending, thrown);
    }
  }

  #failed(sending: Pending, thrown: unknown): void {
    this.#inFlight = null;
    if (thrown instanceof WorkbenchError && !thrown.retryable) {
      this.#options.onState({ state: 'refused', error: thrown });
      this.#options.onRefused(thrown);
      return;
    }
    this.#pending = new Map([...sending, ...this.#pending]);
    this.#options.onState({ state: 'waiting', changes: this.#changes() });
    if (this.#closed || this.#finishing) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#sendNow(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }
}
