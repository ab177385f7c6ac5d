import type { Delivery, EngineCommand } from '../../../engine/io.ts';
import type { PlannedConsumer } from '../../../engine/plan/plan.ts';
import { type FaultSpan, laneName, type SeenEvent, type SeenInvocation } from '../../witness.ts';
import { isLedgerName, type LedgerEntry } from '../generate/ledger.ts';
import { dedupKeyOf } from './dedupKey.ts';
import { type Checker, type Evidence, hasCleanup, ledgerOf, type Violation } from './evidence.ts';

/** What handlers saw of one sequence of messages that are to be handled one after the other. */
type Strand = {
  lane: string;
  /** The furthest offset that was handed out. */
  furthest: number;
  /** Messages whose last attempt failed and was not the last one. */
  open: Map<number, OpenRetry>;
  underWay: number;
};
type OpenRetry = { delivery: Delivery; restarts: number };
type Seek = Extract<EngineCommand, { type: 'seek' }>;

/** Rules DL3, DL7 and CG2, from what handlers saw alone. */
export const checkHandling: Checker = (evidence) =>
  evidence.run.plan.consumers.flatMap((consumer) => new HandlingCheck(evidence, consumer).violations());

class HandlingCheck {
  readonly #evidence: Evidence;
  readonly #consumer: PlannedConsumer;
  readonly #strands = new Map<string, Strand>();
  /** Partition → the instances that have messages of it in hand, and how many invocations each. */
  readonly #holders = new Map<string, Map<number, number>>();
  readonly #found: Violation[] = [];
  readonly #reorders: FaultSpan[];
  /** Lane → offsets that were handed out, since the lane was last moved by a seek. */
  readonly #met = new Map<string, Set<number>>();
  /** Keys under which something was handled: other messages of theirs may be passed over (DL6). */
  readonly #handledKeys = new Set<string>();
  /** Seeks that may have been done or not, and what was met of their lanes since they were asked for. */
  readonly #seeks = new Map<number, Map<string, Set<number>>>();
  /** Place → the highest number of an attempt that was begun there, since its lane was last moved. */
  readonly #attempts = new Map<string, Map<number, number>>();
  #nowMs = 0;

  constructor(evidence: Evidence, consumer: PlannedConsumer) {
    this.#evidence = evidence;
    this.#consumer = consumer;
    this.#reorders = evidence.testimony.faults.filter(
      ({ spec: { kind, target } }) =>
        kind === 'reorder' && consumer.subscriptions.some(({ edgeId }) => edgeId === target.edgeId),
    );
  }

  violations(): Violation[] {
    for (const event of this.#evidence.testimony.events) this.#see(event);
    return this.#found;
  }

  #see(event: SeenEvent): void {
    this.#nowMs = event.atMs;
    switch (event.type) {
      case 'restart':
        return this.#restarted();
      case 'asked': {
        const { command } = event.command.type === 'command' ? event.command : { command: null };
        if (command?.type === 'seek' && command.node === this.#consumer.node)
          this.#seekAsked(event.requestId, command);
        return;
      }
      case 'answered':
        return this.#seekOver(event.requestId, event.answer.ok);
      case 'late':
        return;
      default:
        if (event.invocation.node !== this.#consumer.node) return;
        if (event.type === 'began') this.#began(event.invocation);
        else this.#over(event.invocation);
    }
  }

  /**
   * Where messages were handed out up to, and which wait for another attempt, holds on (RN3). Only, what a process had in
   * hand alone when it died counts as an attempt, seen or not, and may have been its last one.
   */
  #restarted(): void {
    const { operator, retry } = this.#consumer;
    for (const strand of this.#strands.values()) {
      for (const [offset, open] of strand.open) {
        open.restarts++;
        const mayBeOver =
          operator.runtime === 'sandbox' && open.delivery.attempt + open.restarts >= retry.attemptsMax;
        if (mayBeOver || hasCleanup(this.#evidence, open.delivery.topic)) strand.open.delete(offset);
      }
    }
    for (const requestId of this.#seeks.keys()) this.#seekOver(requestId, true);
  }

  #seekAsked(requestId: number, { node, positions }: Seek): void {
    const lanes = positions.map(({ topic, partition }) => laneName(node, topic, partition));
    this.#seeks.set(requestId, new Map(lanes.map((lane) => [lane, new Set()])));
  }

  /** Rule CG3: the lanes begin anew from where they were moved to. */
  #seekOver(requestId: number, mayBeDone: boolean): void {
    const lanes = this.#seeks.get(requestId);
    if (!lanes) return;
    this.#seeks.delete(requestId);
    if (!mayBeDone) return;
    for (const [lane, met] of lanes) {
      this.#met.set(lane, met);
      this.#attempts.delete(lane);
    }
    for (const strand of this.#strands.values()) {
      if (!lanes.has(strand.lane)) continue;
      strand.furthest = -1;
      strand.open.clear();
    }
  }

  #began(invocation: SeenInvocation): void {
    for (const place of placesOf(invocation)) {
      const holders = this.#holders.get(place) ?? new Map<number, number>();
      this.#holders.set(place, holders);
      holders.set(invocation.instance, (holders.get(invocation.instance) ?? 0) + 1);
      if (holders.size > 1)
        this.#found.push(
          `[CG2] instances ${[...holders.keys()].join(' and ')} of ${invocation.node} have messages of ${place} at once`,
        );
    }
    for (const delivery of invocation.deliveries) if (!delivery.timer) this.#countAttempt(delivery);
    for (const strand of this.#strandsOf(invocation)) {
      strand.underWay++;
      if (strand.underWay > 1 && this.#consumer.order !== 'none')
        this.#found.push(
          `[DL7] ${invocation.node} (order ${this.#consumer.order}) has two invocations of one strand under way`,
        );
    }
  }

  /** Rule DL3: an attempt begins when the one before it is on disk, so that no crash forgets one or grants another. */
  #countAttempt({ topic, partition, offset, attempt }: Delivery): void {
    const { node, retry, afterLastAttempt } = this.#consumer;
    const lane = laneName(node, topic, partition);
    for (const lanes of this.#seeks.values()) if (lanes.has(lane)) return;
    const attempts = this.#attempts.get(lane) ?? new Map<number, number>();
    this.#attempts.set(lane, attempts);
    const before = attempts.get(offset) ?? 0;
    attempts.set(offset, Math.max(before, attempt));
    const place = `${topic}/${partition}/${offset}`;
    if (attempt < before)
      this.#found.push(`[DL3] ${node} tries ${place} for the ${attempt}. time after its ${before}. attempt`);
    // What stops its run is met again when the process dies before the run has ended.
    if (attempt > retry.attemptsMax && afterLastAttempt !== 'stop')
      this.#found.push(`[DL3] ${node} tries ${place} ${attempt} times, ${retry.attemptsMax} are set`);
  }

  #over(invocation: SeenInvocation): void {
    for (const place of placesOf(invocation)) {
      const holders = this.#holders.get(place) as Map<number, number>;
      const left = (holders.get(invocation.instance) as number) - 1;
      if (left === 0) holders.delete(invocation.instance);
      else holders.set(invocation.instance, left);
    }
    for (const strand of this.#strandsOf(invocation)) strand.underWay--;
    // Whoever declares no order is promised none.
    if (this.#consumer.order === 'none') return;
    const reached = invocation.outcomes?.length ?? 1;
    for (const [index, delivery] of invocation.deliveries.slice(0, reached).entries())
      if (!delivery.timer) this.#meet(delivery, invocation.outcomes?.[index]?.status ?? null);
  }

  /** Outcomes are looked at in the order of their invocations' ends, which is that of their beginnings within a strand. */
  #meet(delivery: Delivery, status: string | null): void {
    const { topic, partition, offset, message } = delivery;
    const strand = this.#strand(topic, partition, message.key);
    let isBeingMoved = false;
    for (const lanes of this.#seeks.values()) {
      isBeingMoved ||= lanes.has(strand.lane);
      lanes.get(strand.lane)?.add(offset);
    }
    if (!isBeingMoved) this.#judge(strand, delivery);
    this.#note(strand, delivery, status);
  }

  #judge(strand: Strand, delivery: Delivery): void {
    const { node, retry, order } = this.#consumer;
    const { topic, partition, offset, attempt } = delivery;
    const place = `${topic}/${partition}/${offset}`;
    // A retry that lets others pass comes after them.
    const mayBeLate = retry.order === 'out-of-order' && attempt > 1;
    const isLate = offset < strand.furthest && !this.#met.get(strand.lane)?.has(offset);
    if (isLate && !mayBeLate && !this.#wasDuplicate(delivery) && !this.#isReordered(delivery))
      this.#found.push(`[DL7] ${node} (order ${order}) met ${place} after ${strand.furthest}`);
    if (retry.order !== 'in-order') return;
    for (const [waiting, { delivery: overtaken }] of strand.open) {
      if (waiting >= offset || this.#wasDuplicate(overtaken) || this.#isReordered(overtaken)) continue;
      this.#found.push(`[DL3] ${node} handled ${place} while ${waiting} waits for its retry`);
    }
  }

  #note(strand: Strand, delivery: Delivery, status: string | null): void {
    const { retry, idempotency } = this.#consumer;
    const { offset, attempt, message } = delivery;
    strand.furthest = Math.max(strand.furthest, offset);
    const met = this.#met.get(strand.lane) ?? new Set();
    this.#met.set(strand.lane, met.add(offset));
    if (status === 'ok' && idempotency.window !== 'off')
      this.#handledKeys.add(dedupKeyOf(this.#consumer, message));
    const isOpen = status === 'failed' && attempt < retry.attemptsMax && this.#retries();
    if (isOpen) strand.open.set(offset, { delivery, restarts: 0 });
    else if (status !== null) strand.open.delete(offset);
  }

  #retries(): boolean {
    return this.#consumer.guarantee !== 'at-most-once' && this.#consumer.retry.exceptFor === '';
  }

  /**
   * Rule DL6. Another message of its key has been handled: it may have been passed over, and, where a crash undid that
   * handling, be handled later after all.
   */
  #wasDuplicate({ message }: Delivery): boolean {
    if (this.#consumer.idempotency.window === 'off') return false;
    return this.#handledKeys.has(dedupKeyOf(this.#consumer, message));
  }

  /** Whether it may have stood among what a fault put into another order, and so was passed by others. */
  #isReordered({ topic, partition, offset }: Delivery): boolean {
    if (this.#reorders.length === 0) return false;
    const edge = this.#consumer.subscriptions.find((own) => own.topic === topic)?.edgeId;
    const stored = this.#evidence.testimony.history.get(topic)?.[partition]?.[offset];
    return this.#reorders.some(
      ({ spec: { target }, fromMs, toMs }) =>
        target.edgeId === edge &&
        (target.partition ?? partition) === partition &&
        fromMs <= this.#nowMs &&
        (stored?.appendedAtMs ?? 0) <= toMs,
    );
  }

  #strandsOf({ deliveries }: SeenInvocation): Set<Strand> {
    return new Set(
      deliveries
        .filter(({ timer }) => !timer)
        .map(({ topic, partition, message }) => this.#strand(topic, partition, message.key)),
    );
  }

  #strand(topic: string, partition: number, key: string | null): Strand {
    const name =
      this.#consumer.order === 'key' ? `${topic}/${partition}/${key ?? ''}` : `${topic}/${partition}`;
    const known = this.#strands.get(name);
    if (known) return known;
    const lane = laneName(this.#consumer.node, topic, partition);
    const strand: Strand = { lane, furthest: -1, open: new Map(), underWay: 0 };
    this.#strands.set(name, strand);
    return strand;
  }
}

function placesOf({ deliveries }: SeenInvocation): Set<string> {
  return new Set(deliveries.map(({ topic, partition }) => `${topic}/${partition}`));
}

/** Rule CG2: nothing is kept of what an instance answers after it has crashed. */
export const checkFencing: Checker = (evidence) => {
  const refused = new Map<string, Set<number>>();
  for (const event of evidence.testimony.events) {
    if (event.type !== 'late') continue;
    const { node } = event.invocation;
    const turns = refused.get(node) ?? new Set<number>();
    refused.set(node, turns);
    for (const outcome of event.outcomes) {
      if (outcome.status !== 'ok') continue;
      for (const { name, value } of outcome.state)
        if (isLedgerName(name) && value !== null) turns.add((JSON.parse(value) as LedgerEntry).turn);
    }
  }
  return [...refused].flatMap(([node, turns]) =>
    [...ledgerOf(evidence, node)]
      .filter(([, { turn }]) => turns.has(turn))
      .map(([name]): Violation => `[CG2] ${node} keeps what an instance answered that had crashed: ${name}`),
  );
};
