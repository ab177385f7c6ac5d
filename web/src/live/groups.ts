import type { GroupProgress } from '@millrace/shared/trace/metrics.ts';
import { plural } from './format.ts';
import type { LiveRun } from './liveRun.ts';

export type InstanceState = GroupProgress['instances'][number]['state'];
export type Owned = { edgeId: string; topic: string; partitions: number[] };
export type Member = {
  index: number;
  state: InstanceState;
  inFlight: number;
  owns: Owned[];
};
export type GroupView = {
  generation: number;
  paused: boolean;
  members: Member[];
  /** Partitions that nobody owns at the moment, by topic. */
  orphans: Owned[];
};

/** One consumer group (CG1, CG2) as the drawing and the inspector show it; null when the run has none of this node. */
export function groupView(live: LiveRun, nodeId: string): GroupView | null {
  const group = live.metrics.latest?.groups[nodeId];
  if (!group) return null;
  const ownedBy = (owner: number): Owned[] =>
    Object.entries(group.owners).flatMap(([edgeId, owners]) => {
      const partitions = owners.flatMap((index, partition) => (index === owner ? [partition] : []));
      if (partitions.length === 0) return [];
      const edge = live.graph?.document.edges.find((other) => other.id === edgeId);
      return [{ edgeId, topic: edge ? live.nodeName(edge.source) : edgeId, partitions }];
    });
  return {
    generation: group.generation,
    paused: group.paused,
    members: group.instances.map(({ state, inFlight }, index) => ({
      index,
      state,
      inFlight,
      owns: ownedBy(index),
    })),
    orphans: ownedBy(-1),
  };
}

/** `0–3, 7`: runs of neighbours drawn together. */
export function partitionRanges(partitions: readonly number[]): string {
  const parts: string[] = [];
  for (let from = 0; from < partitions.length; ) {
    let to = from;
    while (partitions[to + 1] === (partitions[to] as number) + 1) to++;
    const [first, last] = [partitions[from], partitions[to]];
    if (to === from) parts.push(`${first}`);
    else parts.push(to === from + 1 ? `${first}, ${last}` : `${first}–${last}`);
    from = to + 1;
  }
  return parts.join(', ');
}

export function ownsText(owns: readonly Owned[]): string {
  if (owns.length === 0) return 'no partition';
  return owns.map(({ topic, partitions }) => `${topic} ${partitionRanges(partitions)}`).join('; ');
}

export function memberTitle({ index, state, inFlight, owns }: Member): string {
  return `Instance ${index}: ${state}, ${plural(inFlight, 'message')} in flight, owns ${ownsText(owns)}`;
}

/** One instance that is up needs no dot: it is what a consumer is. */
export function showsMembers(view: GroupView): boolean {
  return view.members.length > 1 || view.members.some(({ state }) => state !== 'up');
}

/** `3 instances up, 1 down`. */
export function membersText(members: readonly Member[]): string {
  const count = (state: InstanceState): number => members.filter((member) => member.state === state).length;
  const [up, paused, down] = [count('up'), count('paused'), count('down')];
  const parts = [`${plural(up, 'instance')} up`];
  if (paused > 0) parts.push(`${paused} paused`);
  if (down > 0) parts.push(`${down} down`);
  return parts.join(', ');
}
