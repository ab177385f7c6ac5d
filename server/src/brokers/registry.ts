import type { Broker, BrokerCapabilities } from './broker.ts';
import { createEmbeddedBroker } from './embedded/embeddedBroker.ts';
import type { Durability } from './embedded/logSchema.ts';
import { createMemoryBroker } from './memory/memoryBroker.ts';

export type BrokerOptions = {
  /** The run's own folder. */
  folder: string;
  durability: Durability;
};

export type BrokerKind = {
  capabilities: BrokerCapabilities;
  create(options: BrokerOptions): Promise<Broker>;
};

/** Every engine a run can be put on; the contract suite runs for each. */
export const BROKERS = {
  embedded: {
    capabilities: { name: 'embedded', atomicWrites: true, survivesRestart: true },
    create: createEmbeddedBroker,
  },
  memory: {
    capabilities: { name: 'memory', atomicWrites: true, survivesRestart: false },
    create: () => Promise.resolve(createMemoryBroker()),
  },
} satisfies Record<string, BrokerKind>;
