import { type Random, restoreRandom } from '@millrace/shared/util/random.ts';

/** A generator seeded with 128 bits of the browser's own randomness, so that no two tabs draw the same ids. */
function browserRandom(): Random {
  const [a = 1, b = 2, c = 3, d = 4] = crypto.getRandomValues(new Uint32Array(4));
  return restoreRandom({ a, b, c, d: d | 1 });
}

/** The tab's source of randomness: record ids, patch ids, client id. */
export const tabRandom: Random = browserRandom();

export function randomToken(): string {
  const hex = (): string => tabRandom.uint32().toString(16).padStart(8, '0');
  return `${hex()}${hex()}`;
}

/** Names this tab to the server for as long as the page is loaded. */
export const CLIENT_ID: string = `tab-${randomToken()}`;
