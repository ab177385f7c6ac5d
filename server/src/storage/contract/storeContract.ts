import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { emptyDocument } from '@millrace/shared/flow/document.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store, StoredRun } from '../store.ts';

export type StoreFactory = {
  name: string;
  /** A store on fresh, empty ground; `reopen` gives what a restarted server would find. */
  create(): Promise<{ store: Store; reopen(): Store; dispose(): Promise<void> }>;
};

/** What every `Store` promises, whatever keeps it. */
export function registerStoreContractTests(factory: StoreFactory): void {
  describe(`store contract: ${factory.name}`, () => {
    let made: Awaited<ReturnType<StoreFactory['create']>>;
    let store: Store;
    beforeEach(async () => {
      made = await factory.create();
      store = made.store;
    });
    afterEach(async () => {
      store.close();
      await made.dispose();
    });
    const reopened = (): Store => {
      store.close();
      store = made.reopen();
      return store;
    };
    const codeOf = (action: () => unknown): string => {
      try {
        action();
      } catch (thrown) {
        return thrown instanceof WorkbenchError ? thrown.code : `not a WorkbenchError: ${String(thrown)}`;
      }
      return 'nothing thrown';
    };

    it('keeps a flow with its revision and the time of its last change', () => {
      store.insertFlow(emptyDocument('flow:a', 'A'), 1000);
      store.updateFlow({ ...emptyDocument('flow:a', 'A2'), description: 'changed' }, 2000);
      const kept = reopened().flow('flow:a');
      expect(kept).toMatchObject({ revision: 1, version: 0, updatedMs: 2000 });
      expect(kept?.document).toMatchObject({ name: 'A2', description: 'changed' });
    });

    it('gives the same document before and after it was kept', () => {
      const before = store.insertFlow(emptyDocument('flow:a', 'A'), 1000).document;
      expect(JSON.stringify(reopened().flow('flow:a')?.document)).toBe(JSON.stringify(before));
    });

    it('lists flows, the last changed first', () => {
      store.insertFlow(emptyDocument('flow:a', 'A'), 1000);
      store.insertFlow(emptyDocument('flow:b', 'B'), 2000);
      store.updateFlow(emptyDocument('flow:a', 'A'), 3000);
      expect(store.listFlows().map((flow) => flow.document.id)).toEqual(['flow:a', 'flow:b']);
      expect(
        reopened()
          .listFlows()
          .map((flow) => flow.document.id),
      ).toEqual(['flow:a', 'flow:b']);
    });

    it('refuses a second flow with the same id and changes nothing', () => {
      store.insertFlow(emptyDocument('flow:a', 'first'), 1000);
      expect(codeOf(() => store.insertFlow(emptyDocument('flow:a', 'second'), 2000))).toBe('FLOW_CONFLICT');
      expect(store.flow('flow:a')?.document.name).toBe('first');
    });

    it('refuses what is no document and changes nothing', () => {
      store.insertFlow(emptyDocument('flow:a', 'first'), 1000);
      expect(codeOf(() => store.updateFlow({ ...emptyDocument('flow:a', 'x'), name: '' }, 2000))).toBe(
        'FLOW_INVALID',
      );
      expect(store.flow('flow:a')).toMatchObject({ revision: 0, document: { name: 'first' } });
    });

    it('says FLOW_NOT_FOUND for a flow that is not there', () => {
      expect(store.flow('flow:a')).toBeNull();
      expect(codeOf(() => store.updateFlow(emptyDocument('flow:a', 'A'), 1))).toBe('FLOW_NOT_FOUND');
      expect(codeOf(() => store.publish('flow:a', 1))).toBe('FLOW_NOT_FOUND');
    });

    it('[RN1] publishes immutable versions, a new one only for a changed draft', () => {
      store.insertFlow(emptyDocument('flow:a', 'one'), 1000);
      expect(store.publish('flow:a', 1001)).toBe(1);
      expect(store.publish('flow:a', 1002)).toBe(1);
      store.updateFlow(emptyDocument('flow:a', 'two'), 2000);
      expect(store.publish('flow:a', 2001)).toBe(2);
      const again = reopened();
      expect(again.version('flow:a', 1)?.name).toBe('one');
      expect(again.version('flow:a', 2)?.name).toBe('two');
      expect(again.version('flow:a', 3)).toBeNull();
      expect(again.flow('flow:a')?.version).toBe(2);
    });

    it('deletes a flow with its versions and runs, and no other', () => {
      for (const id of ['flow:a', 'flow:b']) {
        store.insertFlow(emptyDocument(id, id), 1000);
        store.publish(id, 1000);
        store.insertRun(runOf(`run:${id.at(-1)}`, id, 1000));
      }
      store.deleteFlow('flow:a');
      store.deleteFlow('flow:a');
      const again = reopened();
      expect(again.flow('flow:a')).toBeNull();
      expect(again.version('flow:a', 1)).toBeNull();
      expect(again.listRuns().map((run) => run.summary.id)).toEqual(['run:b']);
    });

    it('[RN1] keeps runs with status, numbers and notices; newest first', () => {
      store.insertFlow(emptyDocument('flow:a', 'A'), 1000);
      store.insertRun(runOf('run:1', 'flow:a', 1000));
      const second = runOf('run:2', 'flow:a', 2000);
      store.insertRun(second);
      store.updateRun({ ...second, summary: { ...second.summary, status: 'running', restarts: 3 } });
      const again = reopened();
      expect(again.listRuns('flow:a').map((run) => run.summary.id)).toEqual(['run:2', 'run:1']);
      expect(again.run('run:2')).toMatchObject({
        summary: { status: 'running', restarts: 3 },
        notices: [{ message: 'hello' }],
      });
      expect(again.listRuns('flow:other')).toEqual([]);
    });

    it('forgets a deleted run, and a late update does not bring it back', () => {
      store.insertFlow(emptyDocument('flow:a', 'A'), 1000);
      const run = runOf('run:1', 'flow:a', 1000);
      store.insertRun(run);
      store.deleteRun('run:1');
      store.updateRun(run);
      expect(store.run('run:1')).toBeNull();
    });

    it('refuses work after close, and closes twice without complaint', () => {
      store.close();
      store.close();
      expect(codeOf(() => store.listFlows())).toBe('STORAGE_FAILED');
    });
  });
}

function runOf(id: string, flowId: string, createdMs: number): StoredRun {
  return {
    summary: {
      id,
      flowId,
      flowName: 'A',
      version: 1,
      engine: 'embedded',
      durability: 'fsync',
      seed: 1,
      status: 'created',
      createdMs,
      startedMs: null,
      endedMs: null,
      restarts: 0,
      forkedFrom: null,
      error: null,
      counters: {},
    },
    metrics: null,
    nextVersion: null,
    notices: [{ timeMs: createdMs, level: 'info', message: 'hello' }],
  };
}
