import { type ActiveFault, FAULT_TITLES, type FaultSpec } from '@millrace/shared/faults/fault.ts';
import type { MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { exactNumber, formatDurationMs, plural } from './format.ts';

/** The faults that are on at one node or edge, oldest first. One that names both is shown at both. */
export function faultsAt(snapshot: MetricsSnapshot | null, recordId: string): ActiveFault[] {
  return (snapshot?.faults ?? []).filter(
    ({ spec: { target } }) => target.nodeId === recordId || target.edgeId === recordId,
  );
}

/** What a fault does and to how much of what it meets: `Delay 5 s, partition 2, 50 %`. */
export function faultText({ kind, target, rate, delayMs }: FaultSpec): string {
  const parts = [hasDelay(kind) ? `${FAULT_TITLES[kind]} ${formatDurationMs(delayMs)}` : FAULT_TITLES[kind]];
  if (target.instance !== undefined) parts.push(`instance ${target.instance}`);
  if (target.partition !== undefined) parts.push(`partition ${target.partition}`);
  if (hasRate(kind) && rate < 1) parts.push(`${formatShare(rate)} of messages`);
  return parts.join(', ');
}

/** How often it did something. One that did nothing has tested nothing (SM2), and says so. */
export function firedText({ fired }: Pick<ActiveFault, 'fired'>): string {
  return fired === 0 ? 'has not fired yet' : `fired ${exactNumber(fired)}×`;
}

export function hasDelay(kind: FaultSpec['kind']): boolean {
  return kind === 'slow' || kind === 'delay';
}

/** A crash and a pause are all or nothing. */
export function hasRate(kind: FaultSpec['kind']): boolean {
  return kind !== 'crash' && kind !== 'pause';
}

export function formatShare(share: number): string {
  return `${Number((share * 100).toFixed(share < 0.01 ? 2 : 1))} %`;
}

/** A mark on the drawing: short there, whole in its title. */
export type FaultMark = { text: string; title: string; kinds: string };

export function faultMark(faults: readonly ActiveFault[]): FaultMark | null {
  const [first] = faults;
  if (!first) return null;
  const lines = faults.map((fault) => `${faultText(fault.spec)}: ${firedText(fault)}`);
  const text =
    faults.length === 1
      ? faultText(first.spec)
      : `${plural(faults.length, 'fault')}: ${[...new Set(faults.map(({ spec }) => FAULT_TITLES[spec.kind]))].join(', ')}`;
  return { text, title: lines.join('\n'), kinds: faults.map(({ spec }) => spec.kind).join(' ') };
}
