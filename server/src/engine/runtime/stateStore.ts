import type { Core } from './core.ts';

/** Adds to the open group what is to be durable with it; null deletes. The last value of a key is the one that counts. */
export function putState(core: Core, store: string, key: string, value: string | null): void {
  core.writes.open.state.set(`${store}\n${key}`, { store, key, value });
}
