import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Broker } from '../broker.ts';
import { BROKERS, type BrokerKind } from '../registry.ts';
import { registerBrokerContractTests } from './brokerContract.ts';
import type { BrokerUnderTest } from './brokerUnderTest.ts';

async function createSubject({ create }: BrokerKind): Promise<BrokerUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-broker-'));
  const options = { folder, durability: 'fsync' as const };
  let current: Broker = await create(options);
  return {
    broker: current,
    async reopen() {
      await current.close();
      current = await create(options);
      return current;
    },
    async dispose() {
      await current.close();
      await rm(folder, { recursive: true });
    },
  };
}

for (const [name, kind] of Object.entries(BROKERS))
  registerBrokerContractTests(name, () => createSubject(kind));
