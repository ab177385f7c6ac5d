import type { NativeEvent, NativeHandler } from '../../nativeHandler.ts';

/**
 * Handlers of generated flows keep a ledger in their own durable state: how often the message at a place was handled, and
 * how many messages were emitted for it. It leaves with the other effects (HD2), so it says what was really done. `turn` counts
 * what the handler was ever called for, whatever became of it: it tells whose answer an entry is.
 */
export type LedgerEntry = { times: number; emits: number; turn: number };

const LEDGER_PREFIX = 'did:';

export function ledgerName(topic: string, partition: number, offset: number): string {
  return `${LEDGER_PREFIX}${topic}/${partition}/${offset}`;
}

export function isLedgerName(name: string): boolean {
  return name.startsWith(LEDGER_PREFIX);
}

export type Behaviour = {
  /** Names of the topics it emits to. */
  targets: string[];
  /** Shares of the messages, told by their ids: it drops them, fails with them always, or the first time only. */
  drops: number;
  failsAlways: number;
  failsOnce: number;
  /** For this share a timer is set, so much later, that emits. */
  schedules: number;
  scheduleMs: number;
};

/** A number in [0, 1) that a message has, whoever asks. */
function chanceOf(id: string, salt: number): number {
  let hash = 0x811c9dc5 ^ salt;
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  hash ^= hash >>> 15;
  return (Math.imul(hash, 0x85ebca6b) >>> 0) / 0x1_0000_0000;
}

export function ledgerHandler(behaviour: Behaviour, salt: number): NativeHandler {
  let turn = 0;
  return (event, ctx) => {
    turn++;
    failIfMeant(behaviour, event, salt);
    const drops = !event.timer && chanceOf(event.id, salt + 3) < behaviour.drops;
    const targets = drops ? [] : behaviour.targets;
    for (const target of targets) ctx.emit(target, event.data);
    if (!event.timer && chanceOf(event.id, salt + 4) < behaviour.schedules)
      ctx.schedule(behaviour.scheduleMs, event.data);
    const place = event.timer
      ? `${LEDGER_PREFIX}timer/${event.id}`
      : ledgerName(event.topic, event.partition, event.offset);
    const { times, emits } = (ctx.state.get(place) as LedgerEntry | undefined) ?? { times: 0, emits: 0 };
    ctx.state.set(place, { times: times + 1, emits: emits + targets.length, turn });
  };
}

function failIfMeant({ failsAlways, failsOnce }: Behaviour, event: NativeEvent, salt: number): void {
  if (chanceOf(event.id, salt + 1) < failsAlways) throw new Error('This message always fails.');
  if (event.attempt === 1 && chanceOf(event.id, salt + 2) < failsOnce)
    throw new Error('This message fails the first time.');
}
