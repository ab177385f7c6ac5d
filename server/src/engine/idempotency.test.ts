import type { Idempotency } from '@millrace/shared/flow/records/delivery.ts';
import { describe, expect, it } from 'vitest';
import { flow, listSource } from '../simulator/testing/flowBuilder.ts';
import { runVirtual, type VirtualRunOptions } from '../simulator/virtualRun.ts';

/** Handles these ids, one every so many milliseconds; answers those that had effects. */
function run(
  ids: string[],
  idempotency: Idempotency,
  everyMs: number,
  extra: Partial<VirtualRunOptions> = {},
) {
  const document = flow()
    .node('replay', 'source', { speed: { mode: 'by-time', factor: 1 } })
    .node('topic', 'in', { partitions: 2 })
    .node('handler', 'work', { idempotency })
    .node('topic', 'out', { partitions: 1 })
    .edges('source > in', 'in > work', 'work > out')
    .document();
  const items = listSource(ids.length, (index) => ({
    id: `${ids[index]}`,
    data: JSON.stringify({ order: { id: ids[index] } }),
    dueMs: index * everyMs,
  }));
  const result = runVirtual({
    document,
    seed: 1,
    sources: { 'node:source': items },
    handlers: { 'node:work': (event, ctx) => ctx.emit('out', event.id) },
    ...extra,
  });
  const end = result.log.offsets('node:out')[0]?.end ?? 0;
  const request = { topic: 'node:out', partition: 0, fromOffset: 0, messagesMax: end, bytesMax: 1_000_000 };
  const handled = end === 0 ? [] : result.log.read(request).messages.map(({ message }) => message.data);
  return { result, handled: handled.map((data) => JSON.parse(data) as string) };
}

const always: Idempotency = { window: 'time', key: '', forMs: 86_400_000 };

describe('idempotent consumers', () => {
  it('[DL6] a message whose id was handled is passed over, counted and traced', () => {
    const { result, handled } = run(['a', 'b', 'a', 'a', 'c', 'b'], always, 50);
    expect(handled).toEqual(['a', 'b', 'c']);
    expect(result.view.nodes['node:work']).toMatchObject({ in: 6, out: 3, deduplicated: 3 });
    const traced = result.traces.filter(({ kind }) => kind === 'deduplicated').map(({ detail }) => detail);
    expect(traced).toEqual(['a', 'a', 'b']);
  });

  it('[DL6] without it, duplicates are handled', () => {
    expect(run(['a', 'a'], { window: 'off' }, 50).handled).toEqual(['a', 'a']);
  });

  it('[DL6] goes by what paths find in the payload, and by the id where they find nothing', () => {
    const byOrder: Idempotency = { window: 'count', key: 'order.id', keys: 100 };
    expect(run(['a', 'b', 'a'], byOrder, 50).handled).toEqual(['a', 'b']);
    const nowhere: Idempotency = { window: 'count', key: 'customer.id', keys: 100 };
    expect(run(['a', 'b', 'a'], nowhere, 50).handled).toEqual(['a', 'b']);
  });

  it('[DL6] a time window forgets what is older', () => {
    const short: Idempotency = { window: 'time', key: '', forMs: 120 };
    expect(run(['a', 'a', 'b', 'c', 'd', 'a'], short, 50).handled).toEqual(['a', 'b', 'c', 'd', 'a']);
    expect(
      run(['a', 'b', 'c', 'd'], short, 50)
        .result.log.state()
        .filter(({ store }) => store === 'seen:node:work').length,
    ).toBeLessThan(4);
  });

  it('[DL6] a count window remembers so many keys', () => {
    const two: Idempotency = { window: 'count', key: '', keys: 2 };
    expect(run(['a', 'b', 'a', 'c', 'a', 'b'], two, 50).handled).toEqual(['a', 'b', 'c', 'a', 'b']);
  });

  it('[DL6] remembers across restarts exactly what has effects', () => {
    const ids = Array.from({ length: 60 }, (_, index) => `m${index % 20}`);
    for (let first = 5; first < 30; first++) {
      const crashesAfterMs = [first, first + 17, first + 90, first + 200];
      const { handled } = run(ids, always, 5, { faults: { crashesAfterMs } });
      expect([...handled].sort()).toEqual([...new Set(ids)].sort());
    }
  });

  it('[DL6] what ended without effects is no duplicate', () => {
    const { handled } = run(['a', 'a'], always, 50, {
      handlers: {
        'node:work': (event, ctx) => {
          if (event.offset === 0 && event.partition === 0) throw new Error('no');
          ctx.emit('out', event.id);
        },
      },
    });
    expect(handled).toEqual(['a']);
  });
});
