import type { Delivery } from '../../../engine/io.ts';
import type { PlannedConsumer } from '../../../engine/plan/plan.ts';
import type { SeenInvocation } from '../../witness.ts';
import { type Checker, type Evidence, hadFault, seeksOf, type Violation } from './evidence.ts';

/** What handlers saw of one sequence of messages that are to be handled one after the other. */
type Strand = {
  /** The furthest offset that was handed out. */
  furthest: number;
  /** Offsets whose last attempt failed and was not the last one. */
  open: Set<number>;
  underWay: number;
};

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
  readonly #checksOrder: boolean;

  constructor(evidence: Evidence, consumer: PlannedConsumer) {
    this.#evidence = evidence;
    this.#consumer = consumer;
    // Whoever asks for another order gets it.
    this.#checksOrder =
      consumer.order !== 'none' && !hadFault(evidence, 'reorder') && seeksOf(evidence, consumer.node) === 0;
  }

  violations(): Violation[] {
    for (const event of this.#evidence.testimony.events) {
      if (event.type === 'restart') this.#forget();
      else if (event.invocation.node !== this.#consumer.node) continue;
      else if (event.type === 'began') this.#began(event.invocation);
      else this.#over(event.invocation);
    }
    return this.#found;
  }

  /**
   * What a process had in hand alone when it died counts as an attempt, seen or not (RN3). And what it passed over as a
   * duplicate, and had not committed, may be no duplicate for the next one.
   */
  #forget(): void {
    const { idempotency, retry } = this.#consumer;
    for (const strand of this.#strands.values()) strand.open.clear();
    if (idempotency.window === 'off' && retry.order === 'in-order') return;
    this.#metPlaces.clear();
    for (const strand of this.#strands.values()) strand.furthest = -1;
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
    for (const strand of this.#strandsOf(invocation)) {
      strand.underWay++;
      if (strand.underWay > 1 && this.#consumer.order !== 'none')
        this.#found.push(
          `[DL7] ${invocation.node} (order ${this.#consumer.order}) has two invocations of one strand under way`,
        );
    }
  }

  #over(invocation: SeenInvocation): void {
    for (const place of placesOf(invocation)) {
      const holders = this.#holders.get(place) as Map<number, number>;
      const left = (holders.get(invocation.instance) as number) - 1;
      if (left === 0) holders.delete(invocation.instance);
      else holders.set(invocation.instance, left);
    }
    for (const strand of this.#strandsOf(invocation)) strand.underWay--;
    if (!this.#checksOrder) return;
    const reached = invocation.outcomes?.length ?? 1;
    for (const [index, delivery] of invocation.deliveries.slice(0, reached).entries())
      if (!delivery.timer) this.#met(delivery, invocation.outcomes?.[index]?.status ?? null);
  }

  /** Outcomes are looked at in the order of their invocations' ends, which is that of their beginnings within a strand. */
  #met({ topic, partition, offset, message, attempt }: Delivery, status: string | null): void {
    const { node, retry, order, idempotency } = this.#consumer;
    const strand = this.#strand(topic, partition, message.key);
    // A retry that lets others pass comes after them.
    const mayBeLate = retry.order === 'out-of-order' && attempt > 1;
    if (offset < strand.furthest && !mayBeLate && !this.#wasMet(topic, partition, offset))
      this.#found.push(
        `[DL7] ${node} (order ${order}) met ${topic}/${partition}/${offset} after ${strand.furthest}`,
      );
    strand.furthest = Math.max(strand.furthest, offset);
    this.#meet(topic, partition, offset);
    // What failed may be a duplicate by now, and over: another message under its key has been handled.
    if (retry.order === 'in-order' && idempotency.window === 'off') {
      const overtaken = [...strand.open].find((open) => open < offset);
      if (overtaken !== undefined)
        this.#found.push(
          `[DL3] ${node} handled ${topic}/${partition}/${offset} while ${overtaken} waits for its retry`,
        );
    }
    const isOpen = status === 'failed' && attempt < retry.attemptsMax && this.#retries();
    if (isOpen) strand.open.add(offset);
    else if (status !== null) strand.open.delete(offset);
  }

  #retries(): boolean {
    return this.#consumer.guarantee !== 'at-most-once' && this.#consumer.retry.exceptFor === '';
  }

  readonly #metPlaces = new Set<string>();

  #wasMet(topic: string, partition: number, offset: number): boolean {
    return this.#metPlaces.has(`${topic}/${partition}/${offset}`);
  }

  #meet(topic: string, partition: number, offset: number): void {
    this.#metPlaces.add(`${topic}/${partition}/${offset}`);
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
    const strand = { furthest: -1, open: new Set<number>(), underWay: 0 };
    this.#strands.set(name, strand);
    return strand;
  }
}

function placesOf({ deliveries }: SeenInvocation): Set<string> {
  return new Set(deliveries.map(({ topic, partition }) => `${topic}/${partition}`));
}
