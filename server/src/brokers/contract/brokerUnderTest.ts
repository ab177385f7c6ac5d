import type { Broker } from '../broker.ts';

export type BrokerUnderTest = {
  broker: Broker;
  /** Closes the broker and opens what it left behind; only asked of brokers that survive a restart. */
  reopen(): Promise<Broker>;
  dispose(): Promise<void>;
};
