import type { JsonText } from '@millrace/shared/message/message.ts';
import type { EngineError } from '../io.ts';
import type { ConsumerRuntime } from './consumer.ts';
import type { Core } from './core.ts';
import { STATE_ENTRIES_PER_NODE_MAX, STATE_ENTRIES_PER_SCOPE_MAX, STATE_VALUE_LENGTH_MAX } from './limits.ts';
import { putState } from './stateStore.ts';

export type StateChange = { name: string; value: JsonText | null };

/** Why the changes would go past a limit, or null. */
export function stateRefusal(
  consumer: ConsumerRuntime,
  scope: string,
  changes: StateChange[],
): EngineError | null {
  if (changes.length === 0) return null;
  const entries = consumer.state.get(scope);
  let added = 0;
  for (const { name, value } of changes) {
    if (value !== null && value.length > STATE_VALUE_LENGTH_MAX) {
      return limitReached(
        `State entry "${name}" takes ${value.length} characters; at most ${STATE_VALUE_LENGTH_MAX} are allowed.`,
      );
    }
    if (value !== null && !entries?.has(name)) added++;
  }
  if ((entries?.size ?? 0) + added > STATE_ENTRIES_PER_SCOPE_MAX) {
    return limitReached(
      `One key holds at most ${STATE_ENTRIES_PER_SCOPE_MAX} state entries: delete those no longer needed.`,
    );
  }
  if (consumer.stateEntries + added > STATE_ENTRIES_PER_NODE_MAX) {
    return limitReached(
      `${consumer.planned.name} holds at most ${STATE_ENTRIES_PER_NODE_MAX} state entries: delete those no longer needed.`,
    );
  }
  return null;
}

export function applyState(
  core: Core,
  consumer: ConsumerRuntime,
  scope: string,
  changes: StateChange[],
): void {
  if (changes.length === 0) return;
  const store = `state:${consumer.planned.node}`;
  for (const { name, value } of changes) {
    setEntry(consumer, scope, name, value);
    putState(core, store, stateKey(scope, name), value);
  }
}

export function setEntry(
  consumer: ConsumerRuntime,
  scope: string,
  name: string,
  value: JsonText | null,
): void {
  let entries = consumer.state.get(scope);
  if (value === null) {
    if (!entries?.delete(name)) return;
    consumer.stateEntries--;
    if (entries.size === 0) consumer.state.delete(scope);
    return;
  }
  if (!entries) {
    entries = new Map();
    consumer.state.set(scope, entries);
  }
  if (!entries.has(name)) consumer.stateEntries++;
  entries.set(name, value);
}

/** A list, because both parts may hold any character. */
export function stateKey(scope: string, name: string): string {
  return JSON.stringify([scope, name]);
}

function limitReached(message: string): EngineError {
  return { code: 'STATE_LIMIT_REACHED', message };
}
