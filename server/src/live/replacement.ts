import type { FlowDocument, FlowNode } from '@millrace/shared/flow/document.ts';
import { createRandom } from '@millrace/shared/util/random.ts';
import type { CommittedOffset, WriteBatch } from '../brokers/broker.ts';
import type { RestoredRun } from '../engine/io.ts';
import type { ExecutionPlan, PlannedConsumer } from '../engine/plan/plan.ts';
import { buildPlan } from '../engine/plan/plan.ts';

/** What a run was before it was given another version (RN4). */
export type Replaces = { version: number; previous: FlowDocument };

/** Under which the log itself says which version it belongs to; only replaced runs have it. */
const VERSION_KEY = 'version';

type StateChange = WriteBatch['state'][number];

/**
 * The one write that makes the log belong to the new version: what nodes left behind that are gone is forgotten, and
 * what came, or came back, begins where it should. Before this write the run is on the old version, after it on the new
 * one; there is nothing in between. `restored` is what the core then finds.
 */
export type Switch = { commits: CommittedOffset[]; state: StateChange[]; restored: RestoredRun };

export function isSwitched(restored: Pick<RestoredRun, 'state'>, version: number): boolean {
  return restored.state.some(
    ({ store, key, value }) => store === 'run' && key === VERSION_KEY && value === String(version),
  );
}

export function switchTo(
  document: FlowDocument,
  plan: ExecutionPlan,
  { version, previous }: Replaces,
  restored: RestoredRun,
  nowMs: number,
): Switch {
  const before = buildPlan(previous);
  const state = [
    { store: 'run', key: VERSION_KEY, value: String(version) },
    ...orphans(plan, before, restored),
    ...movedCursors(document, previous, restored, nowMs),
  ];
  const commits = freshCommits(plan, before, restored);
  return { commits, state, restored: applied(restored, commits, state) };
}

/** State of nodes, of subscriptions and of memories that the new version does not have, or that are new in it. */
function orphans(plan: ExecutionPlan, before: ExecutionPlan, restored: RestoredRun): StateChange[] {
  const nodes = new Set<string>();
  for (const { topic } of plan.topics) nodes.add(topic);
  for (const { node } of [...plan.producers, ...plan.consumers]) nodes.add(node);
  const stayed = subscriptionsOf(before);
  const lanes = new Set([...subscriptionsOf(plan)].filter((subscription) => stayed.has(subscription)));
  const forgetful = new Set(
    plan.consumers.filter((consumer) => !remembersTheSame(consumer, before)).map(({ node }) => node),
  );
  const isOrphan = (store: string, key: string, value: string): boolean => {
    if (store === 'attempt' || store === 'lane') return !lanes.has(key.slice(0, key.lastIndexOf('/')));
    if (store.startsWith('seen:')) {
      const node = store.slice('seen:'.length);
      return !nodes.has(node) || forgetful.has(node);
    }
    const node = ownerOf(store, key, value);
    return node !== null && !nodes.has(node);
  };
  return restored.state
    .filter(({ store, key, value }) => isOrphan(store, key, value))
    .map(({ store, key }) => ({ store, key, value: null }));
}

/** Which node an entry belongs to; null for those of the run as a whole. */
function ownerOf(store: string, key: string, value: string): string | null {
  if (store.startsWith('state:')) return store.slice('state:'.length);
  if (store.startsWith('redriven:')) return store.slice('redriven:'.length);
  // The core writes the node into each timer, beside when it is due.
  if (store === 'timer') return (JSON.parse(value) as { node: string }).node;
  return store === 'counters' || store === 'cursor' || store === 'group' ? key : null;
}

/** `<group>/<topic>`, as the keys of lanes begin. */
function subscriptionsOf({ consumers }: ExecutionPlan): Set<string> {
  return new Set(
    consumers.flatMap(({ node, subscriptions }) => subscriptions.map(({ topic }) => `${node}/${topic}`)),
  );
}

/** Keys that were remembered under another expression would take strangers for duplicates. */
function remembersTheSame({ node, idempotency }: PlannedConsumer, before: ExecutionPlan): boolean {
  const old = before.consumers.find((consumer) => consumer.node === node)?.idempotency;
  if (old === undefined || old.window === 'off' || idempotency.window === 'off') return false;
  return old.key === idempotency.key;
}

/**
 * A subscription that is new begins where its consumer says, though its group may have read the topic in an earlier
 * version of this run: what it committed then is written over.
 */
function freshCommits(plan: ExecutionPlan, before: ExecutionPlan, restored: RestoredRun): CommittedOffset[] {
  const stayed = subscriptionsOf(before);
  const commits: CommittedOffset[] = [];
  for (const { node: group, subscriptions } of plan.consumers) {
    for (const { topic } of subscriptions) {
      const stale = restored.commits[group]?.[topic];
      if (stale === undefined || stayed.has(`${group}/${topic}`)) continue;
      for (const [partition, offset] of (restored.starts[group]?.[topic] ?? []).entries())
        commits.push({ group, topic, partition, offset });
    }
  }
  return commits;
}

type SavedCursor = { cursor: string | null; random: unknown; shiftMs: number };

/** A recording that is new, or is another file now, begins at its beginning, and its time begins to run now. */
function movedCursors(
  document: FlowDocument,
  previous: FlowDocument,
  restored: RestoredRun,
  nowMs: number,
): StateChange[] {
  const old = new Map(previous.nodes.map((node) => [node.id, node]));
  const startedMs = Number(
    restored.state.find(({ store, key }) => store === 'run' && key === 'started')?.value ?? nowMs,
  );
  return document.nodes
    .filter((node) => node.kind === 'replay' && !isSameRecording(node, old.get(node.id)))
    .map(({ id }) => {
      const saved = old.has(id) ? cursorOf(restored, id) : null;
      const random = saved?.random ?? createRandom(`${document.settings.seed}:${id}`).save();
      const moved: SavedCursor = { cursor: null, random, shiftMs: Math.max(0, nowMs - startedMs) };
      return { store: 'cursor', key: id, value: JSON.stringify(moved) };
    });
}

function isSameRecording(node: FlowNode, old: FlowNode | undefined): boolean {
  if (node.kind !== 'replay' || old?.kind !== 'replay') return false;
  return node.config.file === old.config.file && node.config.format === old.config.format;
}

function cursorOf(restored: RestoredRun, producer: string): SavedCursor | null {
  const entry = restored.state.find(({ store, key }) => store === 'cursor' && key === producer);
  // Written by the core, in this form.
  return entry ? (JSON.parse(entry.value) as SavedCursor) : null;
}

function applied(restored: RestoredRun, commits: CommittedOffset[], state: StateChange[]): RestoredRun {
  const entries = new Map(restored.state.map((entry) => [`${entry.store}\n${entry.key}`, entry]));
  for (const { store, key, value } of state) {
    if (value === null) entries.delete(`${store}\n${key}`);
    else entries.set(`${store}\n${key}`, { store, key, value });
  }
  const committed = structuredClone(restored.commits);
  for (const { group, topic, partition, offset } of commits) {
    const partitions = committed[group]?.[topic];
    if (partitions) partitions[partition] = offset;
  }
  return { ...restored, commits: committed, state: [...entries.values()] };
}
