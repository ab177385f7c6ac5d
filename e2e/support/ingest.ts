import { randomUUID } from 'node:crypto';
import { expect } from '@playwright/test';

export type Posted = { key?: string; data: Record<string, unknown>; id?: string };

/** Sends messages through an HTTP node in one request, in this order; resolves when they are on disk. */
export async function post(
  url: string,
  { flowId, path }: { flowId: string; path: string },
  messages: readonly Posted[],
): Promise<void> {
  const events = messages.map(({ key, data, id }) => ({
    specversion: '1.0',
    id: id ?? randomUUID(),
    source: '/test',
    type: 'test.order',
    ...(key === undefined ? {} : { partitionkey: key }),
    data,
  }));
  const response = await fetch(`${url}/ingest/${flowId.slice('flow:'.length)}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify(events),
  });
  expect(response.status, await response.text()).toBe(202);
}

/** `count` messages numbered from `first`, each with a key of its own unless `keyOf` says otherwise. */
export function numbered(
  count: number,
  { first = 0, keyOf = (n: number) => `k${n}` }: { first?: number; keyOf?: (n: number) => string } = {},
): Posted[] {
  return Array.from({ length: count }, (_, index) => {
    const n = first + index;
    return { key: keyOf(n), data: { n } };
  });
}
