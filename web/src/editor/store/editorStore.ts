import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { type FlowGraph, graphOf } from '@millrace/shared/flow/graph.ts';
import {
  type FlowPatch,
  type FlowRecord,
  type FlowRecords,
  fromRecords,
  toRecords,
} from '@millrace/shared/flow/records.ts';
import { applyDiff, diffRecords, dropDangling, invertDiff, type RecordsDiff } from './diff.ts';
import { History } from './history.ts';
import { sameJson } from './json.ts';
import { dropKeepsake, type KeepsakeStorage, loadKeepsake, saveKeepsake } from './keepsake.ts';
import { Outbox, type OutboxState } from './outbox.ts';

const KEEPSAKE_DELAY_MS = 400;
const UNSAVED_SENTENCE = 'Some changes have not reached the server yet. Wait until the page says Saved.';

export type Transaction = {
  readonly records: FlowRecords;
  put(record: FlowRecord): void;
  remove(id: string): void;
};

/** `burst`: changes with the same key that follow each other closely are one undo step. */
export type ChangeOptions = { label: string; burst?: string };

export interface Interaction {
  update(change: (transaction: Transaction) => void): void;
  /** Squashes all updates into one undo step. */
  commit(): void;
  /** Takes all updates back. */
  cancel(): void;
}

export type EditorOptions = {
  document: FlowDocument;
  revision: number;
  clientId: string;
  send: (patchId: string, patch: FlowPatch) => Promise<{ revision: number }>;
  /** Asks for the server's whole state: after a gap, a refused patch, a lost line. */
  reload: () => Promise<{ document: FlowDocument; revision: number }>;
  onRefused: (error: WorkbenchError) => void;
  newToken: () => string;
  nowMs: () => number;
  storage: KeepsakeStorage | null;
};

/**
 * One open flow as this tab sees it: records (document scope, saved, undoable), selection (view scope, neither), and
 * the way of changes to and from the server. Plain TypeScript; React subscribes from outside.
 */
export class Editor {
  readonly flowId: string;
  readonly #options: EditorOptions;
  readonly #history: History;
  readonly #outbox: Outbox;
  readonly #listeners = new Set<() => void>();
  #base: FlowDocument;
  #records: FlowRecords;
  #selection: ReadonlySet<string> = new Set();
  #revision: number;
  #saveState: OutboxState = { state: 'saved' };
  #cached: { records: FlowRecords; document: FlowDocument } | null = null;
  #structure = 0;
  #graph: { structure: number; graph: FlowGraph } | null = null;
  #keepsakeTimer: ReturnType<typeof setTimeout> | undefined;
  #resyncing = false;
  #closed = false;
  #forgotten = false;

  constructor(options: EditorOptions) {
    this.#options = options;
    this.flowId = options.document.id;
    this.#base = options.document;
    this.#revision = options.revision;
    const kept = options.storage ? loadKeepsake(options.storage, this.flowId) : null;
    this.#history = new History(kept ? { undos: [...kept.undos], redos: [...kept.redos] } : undefined);
    this.#outbox = new Outbox(
      {
        send: options.send,
        newPatchId: options.newToken,
        onState: (state) => {
          // A drag says "saving" with every move; nobody needs to hear it twice.
          if (sameJson(state, this.#saveState)) return;
          this.#saveState = state;
          this.#keepSoon();
          this.#emit();
        },
        onRevision: (revision) => this.#seeRevision(revision),
        onRefused: (error) => {
          options.onRefused(error);
          if (error.code !== 'FLOW_NOT_FOUND') void this.resync();
        },
      },
      kept?.unsent,
    );
    this.#records = this.#withUnsent(toRecords(options.document));
    if (kept && kept.unsent.length > 0) this.#outbox.flush();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get records(): FlowRecords {
    return this.#records;
  }

  get document(): FlowDocument {
    if (this.#cached?.records !== this.#records) {
      this.#cached = { records: this.#records, document: fromRecords(this.#records, this.#base) };
    }
    return this.#cached.document;
  }

  /** The wiring. Keeps its identity while only the layout moves (its `document.layout` may be of an earlier moment). */
  get graph(): FlowGraph {
    if (this.#graph?.structure !== this.#structure) {
      this.#graph = { structure: this.#structure, graph: graphOf(this.document) };
    }
    return this.#graph.graph;
  }

  get selection(): ReadonlySet<string> {
    return this.#selection;
  }

  get saveState(): OutboxState {
    return this.#saveState;
  }

  get revision(): number {
    return this.#revision;
  }

  get undoLabel(): string | null {
    return this.#history.undoLabel;
  }

  get redoLabel(): string | null {
    return this.#history.redoLabel;
  }

  /** A change by the user: one undo step, or part of the interaction or burst that is going on. */
  change(options: ChangeOptions, change: (transaction: Transaction) => void): void {
    const diff = this.#transact(change);
    if (diff.size === 0) return;
    const burst =
      options.burst === undefined ? undefined : { key: options.burst, atMs: this.#options.nowMs() };
    this.#history.record(options.label, diff, burst);
    this.#outbox.add(diff);
    this.#keepSoon();
    this.#emit();
  }

  interact(label: string): Interaction {
    this.#history.begin(label);
    return {
      update: (change) => this.change({ label }, change),
      commit: () => {
        this.#history.commit();
        this.#keepSoon();
        this.#emit();
      },
      cancel: () => {
        const undo = invertDiff(this.#history.bail());
        this.#takeOver(undo);
      },
    };
  }

  /** Ends a burst of typing, for instance when the field loses focus. */
  mark(): void {
    this.#history.mark();
  }

  undo(): void {
    const step = this.#history.takeUndo();
    if (step) this.#takeOver(invertDiff(step.diff));
  }

  redo(): void {
    const step = this.#history.takeRedo();
    if (step) this.#takeOver(step.diff);
  }

  select(ids: Iterable<string>): void {
    const next = new Set([...ids].filter((id) => this.#records.has(id)));
    if (next.size === this.#selection.size && [...next].every((id) => this.#selection.has(id))) return;
    this.#history.mark();
    this.#selection = next;
    this.#emit();
  }

  /** A patch another tab made. What is still unsent here is newer and stays. */
  applyRemote(event: { revision: number; clientId: string; patch: FlowPatch }): void {
    if (event.clientId !== this.#options.clientId) {
      const next = new Map(this.#records);
      for (const id of event.patch.remove) if (!this.#outbox.has(id) && id !== this.flowId) next.delete(id);
      for (const record of event.patch.put) if (!this.#outbox.has(record.id)) next.set(record.id, record);
      this.#setRecords(dropDangling(next));
    }
    this.#seeRevision(event.revision);
    this.#emit();
  }

  /** Shows the server's state again, with the unsent changes of this tab on top. Undo steps stay. */
  async resync(): Promise<void> {
    if (this.#resyncing) return;
    this.#resyncing = true;
    try {
      let { document, revision } = await this.#options.reload();
      // An answer that was on its way while a patch of ours went through is older than what we know.
      if (revision < this.#revision) ({ document, revision } = await this.#options.reload());
      this.#base = document;
      this.#revision = revision;
      this.#setRecords(this.#withUnsent(toRecords(document)));
      this.#emit();
      this.#outbox.flush();
    } catch (thrown) {
      // A line that is down is tried again on reconnect; anything else is for the user to know.
      if (thrown instanceof WorkbenchError && !thrown.retryable) this.#options.onRefused(thrown);
    } finally {
      this.#resyncing = false;
    }
  }

  /** Resolves when the server has every change; fails when it cannot have them now. */
  whenSaved(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const state = this.#saveState;
        if (state.state === 'saving') return;
        unsubscribe();
        if (state.state === 'saved') resolve();
        else if (state.state === 'refused') reject(state.error);
        else reject(new WorkbenchError('TIMED_OUT', UNSAVED_SENTENCE, { retryable: true }));
      };
      const unsubscribe = this.subscribe(look);
      look();
    });
  }

  /** Writes the keepsake now; the page is about to go. */
  keep(): void {
    clearTimeout(this.#keepsakeTimer);
    const { storage } = this.#options;
    if (storage) saveKeepsake(storage, this.flowId, { ...this.#history.steps, unsent: this.#outbox.unsent });
  }

  close(options: { forget: boolean } = { forget: false }): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listeners.clear();
    if (options.forget) {
      this.#forgotten = true;
      clearTimeout(this.#keepsakeTimer);
      this.#outbox.close();
      if (this.#options.storage) dropKeepsake(this.#options.storage, this.flowId);
    } else {
      this.#outbox.finish();
      this.keep();
    }
  }

  #transact(change: (transaction: Transaction) => void): RecordsDiff {
    const before = this.#records;
    const next = new Map(before);
    change({
      records: next,
      put: (record) => next.set(record.id, record),
      remove: (id) => next.delete(id),
    });
    const diff = diffRecords(before, dropDangling(next));
    if (diff.size > 0) this.#setRecords(next);
    return diff;
  }

  /** Makes a change of the history (undo, redo, cancel) real, and selects what it brought back. */
  #takeOver(wanted: RecordsDiff): void {
    const before = this.#records;
    const next = applyDiff(before, wanted);
    const diff = diffRecords(before, next);
    if (diff.size === 0) {
      this.#emit();
      return;
    }
    this.#setRecords(next);
    const back = [...diff].filter(([, change]) => change.before === null && change.after?.type === 'node');
    if (back.length > 0) this.#selection = new Set(back.map(([id]) => id));
    this.#outbox.add(diff);
    this.#keepSoon();
    this.#emit();
  }

  #withUnsent(records: Map<string, FlowRecord>): Map<string, FlowRecord> {
    for (const [id, record] of this.#outbox.unsent) {
      if (record) records.set(id, record);
      else records.delete(id);
    }
    return dropDangling(records);
  }

  #setRecords(records: FlowRecords): void {
    if (structureDiffers(this.#records, records)) this.#structure++;
    this.#records = records;
    if ([...this.#selection].some((id) => !records.has(id))) {
      this.#selection = new Set([...this.#selection].filter((id) => records.has(id)));
    }
  }

  #seeRevision(revision: number): void {
    if (revision > this.#revision + 1) void this.resync();
    this.#revision = Math.max(this.#revision, revision);
  }

  #keepSoon(): void {
    clearTimeout(this.#keepsakeTimer);
    if (this.#forgotten) return;
    this.#keepsakeTimer = setTimeout(() => this.keep(), KEEPSAKE_DELAY_MS);
  }

  #emit(): void {
    for (const listener of this.#listeners) listener();
  }
}

function structureDiffers(before: FlowRecords, after: FlowRecords): boolean {
  for (const [id, record] of after) if (record.type !== 'layout' && before.get(id) !== record) return true;
  for (const [id, record] of before) if (record.type !== 'layout' && !after.has(id)) return true;
  return false;
}
