import type { MemoryLog } from '../../brokers/memory/memoryLog.ts';
import type { Engine } from '../../engine/engine.ts';
import type {
  AttemptOutcome,
  Commit,
  EngineEffect,
  EngineInput,
  Invocation,
  StateWrite,
} from '../../engine/io.ts';
import type { Storage } from '../storage.ts';
import type { Changes } from './generate/play.ts';
import type { Scenario } from './generate/scenario.ts';

/**
 * Bugs for drills, planted from outside of the engine: storages that break a promise, as a broker or an adapter might; a
 * drawing that the engine reads otherwise than the checkers; somebody between the engine and its driver who garbles what
 * they say. Checkers that do not find these would not find the same mistake in the engine.
 */

// ---------------------------------------------------------------------------------------------------- storage

/** Commits are kept when a write begins, what they stand for when it lands: a crash in between loses messages. */
export const commitBeforeEffect: Changes = () => ({
  storage: (log: MemoryLog): Storage => ({
    begin: ({ commits }, nowMs) => void log.write({ appends: [], commits, state: [], nowMs }),
    land: ({ appends, state }, nowMs) => log.write({ appends, commits: [], state, nowMs }).bases,
  }),
});

/** What an idempotent consumer remembers is kept at once, outside of the transaction of its effects. */
export const dedupOutsideTransaction = outsideTransaction((store) => store.startsWith('seen:'));

/** Counters are kept at once, outside of the transaction of what they count. */
export const countersOutsideTransaction = outsideTransaction((store) => store === 'counters');

/** That a dead letter was sent back, and how far its job got, is kept at once; what is sent back, when the write lands. */
export const marksOutsideTransaction = outsideTransaction((store) => store.startsWith('redrive'));

function outsideTransaction(isMeant: (store: string) => boolean): Changes {
  return () => ({
    storage: (log) => ({
      begin: ({ state }, nowMs) => {
        const early = state.filter(({ store }) => isMeant(store));
        if (early.length > 0) log.write({ appends: [], commits: [], state: early, nowMs });
      },
      land: (write, nowMs) => log.write({ ...write, nowMs }).bases,
    }),
  });
}

/** Commits are kept outside of the transaction, too late: when the next write lands. A crash in between repeats what is done. */
export const commitAfterTransaction: Changes = () => ({
  storage: (log) => {
    let late: Commit[] = [];
    return {
      begin: () => undefined,
      land: ({ appends, commits, state }, nowMs) => {
        const { bases } = log.write({ appends, commits: late, state, nowMs });
        late = commits;
        return bases;
      },
    };
  },
});

/** Of a redrive only is kept that it began, not what it has sent back: whoever takes it up begins at its beginning. */
export const redriveForgetsItsPlace = forgetful((known, { store, key }) =>
  store.startsWith('redriven:') ? true : store === 'redrive' && known.has(`${store} ${key}`),
);

/** What a consumer counts is kept once, and never brought up to date. */
export const countersOfTheFirstWrite = forgetful(
  (known, { store, key }) => store === 'counters' && known.has(`${store} ${key}`),
);

/** A storage that loses entries: `loses` is told which there have been. */
function forgetful(loses: (known: Set<string>, entry: StateWrite) => boolean): Changes {
  return () => ({
    storage: (log) => {
      const known = new Set<string>();
      return {
        begin: () => undefined,
        land: (write, nowMs) => {
          const state = write.state.filter((entry) => !loses(known, entry));
          for (const { store, key } of write.state) known.add(`${store} ${key}`);
          return log.write({ ...write, state, nowMs }).bases;
        },
      };
    },
  });
}

// ---------------------------------------------------------------------------------------------------- drawing

/** What waits for its retry in order is passed by others, as if it were out of order. */
export const retriesOvertaken = misread((config) =>
  'retry' in config ? { retry: { ...config.retry, order: 'out-of-order' } } : {},
);

/** Messages of one key are handled side by side, as if no order were declared. */
export const keysInParallel = misread((config) =>
  'order' in config && config.order === 'key' ? { order: 'none' } : {},
);

/** Keys of a partition pass each other, though the partition is to be kept in order. */
export const partitionByKeys = misread((config) =>
  'order' in config && config.order === 'partition' ? { order: 'key' } : {},
);

type Config = Scenario['document']['nodes'][number]['config'];

/** The engine is given another drawing than the scenario says. */
function misread(change: (config: Config) => object): Changes {
  return ({ document }) => {
    const nodes = document.nodes.map((node) => ({
      ...node,
      config: { ...node.config, ...change(node.config) },
    }));
    // Only values of settings that every node of the kind has are changed.
    return { document: { ...document, nodes: nodes as typeof document.nodes } };
  };
}

// ------------------------------------------------------------------------------------------- between engine and driver

/** Invocations go to any instance of the group, whoever owns the partition. */
export const anyInstanceHandles: Changes = ({ document }) => {
  const instances = new Map(
    document.nodes.map(({ id, config }) => [id, 'instances' in config ? config.instances : 1]),
  );
  const misled = (effect: EngineEffect): EngineEffect =>
    effect.type === 'invoke'
      ? { ...effect, instance: effect.invocationId % (instances.get(effect.node) ?? 1) }
      : effect;
  return {
    interpose: (engine) => ({ step: (input) => engine.step(input).map(misled), view: () => engine.view() }),
  };
};

/** Payloads are not looked at, whatever schema a topic names. */
export const schemasIgnored: Changes = () => ({ checkPayload: () => null });

/** Pushed requests that were taken are answered as refused. */
export const takenAndRefused: Changes = () => {
  const error = { code: 'BACKLOG_FULL' as const, message: 'There is no room.' };
  const misled = (effect: EngineEffect): EngineEffect =>
    effect.type === 'reply' && effect.ok
      ? { type: 'reply', requestId: effect.requestId, ok: false, error }
      : effect;
  return {
    interpose: (engine) => ({ step: (input) => engine.step(input).map(misled), view: () => engine.view() }),
  };
};

/** Pushed requests are acknowledged when they come, before they are on disk. */
export const acknowledgedAtOnce: Changes = () => ({
  interpose: (engine) => ({
    step: (input) => {
      const effects = engine.step(input);
      if (input.type !== 'ingested' || effects.some(({ type }) => type === 'reply')) return effects;
      return [{ type: 'reply', requestId: input.requestId, ok: true, accepted: [], dropped: 0 }, ...effects];
    },
    view: () => engine.view(),
  }),
});

/** What an instance answers after it has crashed is taken as the answer of whoever handles its messages now. */
export const fencedAnswersAccepted: Changes = () => ({ interpose: (engine) => new Unfenced(engine) });

class Unfenced implements Engine {
  readonly #engine: Engine;
  readonly #underWay = new Map<number, Invocation>();
  readonly #fenced = new Map<number, Invocation>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  view(): ReturnType<Engine['view']> {
    return this.#engine.view();
  }

  step(input: EngineInput): EngineEffect[] {
    const effects = this.#engine.step(input.type === 'invoked' ? this.#invoked(input) : input);
    for (const effect of effects) {
      if (effect.type === 'invoke') this.#underWay.set(effect.invocationId, effect);
      else if (effect.type === 'reset-instance') this.#fence(effect.node, effect.instance);
    }
    return effects;
  }

  #fence(node: string, instance: number): void {
    for (const [id, invocation] of this.#underWay) {
      if (invocation.node !== node || invocation.instance !== instance) continue;
      this.#underWay.delete(id);
      this.#fenced.set(id, invocation);
    }
  }

  #invoked(input: Extract<EngineInput, { type: 'invoked' }>): EngineInput {
    const lost = this.#fenced.get(input.invocationId);
    const again = lost && [...this.#underWay.values()].find((own) => placeOf(own) === placeOf(lost));
    const invocationId = again?.invocationId ?? input.invocationId;
    this.#underWay.delete(invocationId);
    const outcomes: AttemptOutcome[] = input.outcomes.slice(0, again?.deliveries.length);
    return { ...input, invocationId, outcomes };
  }
}

function placeOf({ node, deliveries }: Invocation): string {
  const [first] = deliveries;
  return `${node} ${first?.topic}/${first?.partition}/${first?.offset}/${first?.message.id}`;
}
