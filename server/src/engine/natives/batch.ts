import { OUT_PORT } from '@millrace/shared/flow/records/delivery.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import type { JsonText } from '@millrace/shared/message/message.ts';
import { isoTime } from '@millrace/shared/time/isoTime.ts';
import { utf8Length } from '@millrace/shared/util/utf8.ts';
import type { Delivery } from '../io.ts';
import { STATE_VALUE_LENGTH_MAX } from '../runtime/limits.ts';
import { type Native, type NativeOutcome, nothingYet } from './native.ts';

type BatchConfig = FlowNodeOf<'batch'>['config'];

/** What is known of the batch that waits; its payloads are entries of their own, so that adding one writes only that. */
type Waiting = {
  count: number;
  /** Of its payload, as a list. */
  bytes: number;
  type: string;
  deadlineMs: number;
  firstTimeMs: number;
  lastTimeMs: number;
  /** Deadlines for which a timer is set. Timers cannot be taken back, so that those of batches gone early are used again. */
  timersMs: number[];
};

/**
 * Batches that fill up faster than their time runs out would leave a timer each. From here on, a batch waits for the
 * timer of an earlier one, which then sets the next.
 */
const TIMERS_PER_SCOPE_MAX = 4;

const WAITING = 'batch';
const itemName = (index: number): string => `item:${index}`;
const LIST_BYTES = 2;
const DESCRIBED_BYTES = 128;

/**
 * Collects the messages of a key or a partition until there are enough, they take enough room or have waited long
 * enough. What waits is `ctx.state`, written with the commit of its message, so that a kill loses and doubles nothing.
 */
export function batchNative({ config }: FlowNodeOf<'batch'>): Native {
  return ({ deliveries, state }, nowMs) => {
    const scopes = new Map<string, Map<string, JsonText>>();
    return deliveries.map((delivery) => {
      let entries = scopes.get(delivery.scope);
      if (!entries) {
        entries = new Map(Object.entries(state[delivery.scope] ?? {}));
        scopes.set(delivery.scope, entries);
      }
      return new Attempt(config, entries, delivery, nowMs).outcome();
    });
  };
}

class Attempt {
  readonly #config: BatchConfig;
  /** As the next delivery of the scope will see them. */
  readonly #entries: Map<string, JsonText>;
  readonly #delivery: Delivery;
  readonly #nowMs: number;
  readonly #changes = new Map<string, JsonText | null>();
  readonly #outcome: NativeOutcome = nothingYet();
  #waiting: Waiting;

  constructor(config: BatchConfig, entries: Map<string, JsonText>, delivery: Delivery, nowMs: number) {
    this.#config = config;
    this.#entries = entries;
    this.#delivery = delivery;
    this.#nowMs = nowMs;
    const waiting = entries.get(WAITING);
    this.#waiting = waiting === undefined ? emptyBatch([]) : (JSON.parse(waiting) as Waiting);
  }

  outcome(): NativeOutcome {
    if (this.#delivery.timer) this.#onTimer();
    else this.#onMessage();
    const { count, timersMs } = this.#waiting;
    this.#put(WAITING, count === 0 && timersMs.length === 0 ? null : JSON.stringify(this.#waiting));
    for (const [name, value] of this.#changes) {
      // What was never there needs no deleting.
      if (value === null && !this.#entries.delete(name)) continue;
      if (value !== null) this.#entries.set(name, value);
      this.#outcome.state.push({ name, value });
    }
    return this.#outcome;
  }

  #onMessage(): void {
    const { items, bytesMax } = this.#config;
    const { data, timeMs, type } = this.#delivery.message;
    const bytes = utf8Length(data) + 1;
    const room = bytesMax - (this.#config.content === 'described' ? DESCRIBED_BYTES : 0);
    // Alone it may still be too large for the topic, which then refuses this message and no other.
    const fitsNone = LIST_BYTES + bytes > room || data.length > STATE_VALUE_LENGTH_MAX;
    if (this.#waiting.count > 0 && (fitsNone || this.#waiting.bytes + bytes > room)) this.#send(null);
    const waiting = this.#waiting;
    if (waiting.count === 0) this.#begin(type, timeMs);
    waiting.firstTimeMs = Math.min(waiting.firstTimeMs, timeMs);
    waiting.lastTimeMs = Math.max(waiting.lastTimeMs, timeMs);
    if (fitsNone || waiting.count + 1 >= items) {
      this.#send(data);
      return;
    }
    this.#put(itemName(waiting.count), data);
    waiting.count++;
    waiting.bytes += bytes;
    if (waiting.count === 1) this.#mindDeadline();
  }

  #onTimer(): void {
    const dueMs = (JSON.parse(this.#delivery.message.data) as { dueMs: number }).dueMs;
    const waiting = this.#waiting;
    const fired = waiting.timersMs.indexOf(dueMs);
    if (fired >= 0) waiting.timersMs.splice(fired, 1);
    if (waiting.count === 0) return;
    if (this.#nowMs >= waiting.deadlineMs) this.#send(null);
    else if (!waiting.timersMs.some((timerMs) => timerMs >= waiting.deadlineMs)) this.#setTimer();
  }

  #begin(type: string, timeMs: number): void {
    const waiting = this.#waiting;
    waiting.type = type;
    waiting.firstTimeMs = timeMs;
    waiting.lastTimeMs = timeMs;
    waiting.deadlineMs = this.#nowMs + this.#config.waitMs;
  }

  #mindDeadline(): void {
    if (this.#waiting.timersMs.length < TIMERS_PER_SCOPE_MAX) this.#setTimer();
  }

  #setTimer(): void {
    const { deadlineMs, timersMs } = this.#waiting;
    timersMs.push(deadlineMs);
    this.#outcome.timers.push({
      delayMs: Math.max(0, deadlineMs - this.#nowMs),
      data: JSON.stringify({ dueMs: deadlineMs }),
    });
  }

  /** Emits what waits, with `last` at its end if there is one, and leaves an empty batch. */
  #send(last: JsonText | null): void {
    const { count, type, firstTimeMs, lastTimeMs, timersMs } = this.#waiting;
    const payloads: JsonText[] = [];
    for (let index = 0; index < count; index++) {
      const name = itemName(index);
      payloads.push(this.#entries.get(name) as JsonText);
      this.#put(name, null);
    }
    if (last !== null) payloads.push(last);
    const list = `[${payloads.join(',')}]`;
    const data =
      this.#config.content === 'payloads'
        ? list
        : `{"count":${payloads.length},"firstTime":"${isoTime(firstTimeMs)}","lastTime":"${isoTime(lastTimeMs)}","items":${list}}`;
    this.#outcome.emits.push({
      target: OUT_PORT.id,
      data,
      type: this.#config.eventType === '' ? type : this.#config.eventType,
      // Messages of a partition share no key, and the one that happens to come last must not lend its own.
      key: this.#config.scope === 'key' ? this.#delivery.message.key : null,
    });
    this.#waiting = emptyBatch(timersMs);
  }

  #put(name: string, value: JsonText | null): void {
    this.#changes.set(name, value);
  }
}

function emptyBatch(timersMs: number[]): Waiting {
  return { count: 0, bytes: LIST_BYTES, type: '', deadlineMs: 0, firstTimeMs: 0, lastTimeMs: 0, timersMs };
}
