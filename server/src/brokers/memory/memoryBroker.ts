import type { Broker } from '../broker.ts';
import { brokerClosed } from '../readRules.ts';
import { createMemoryLog, type MemoryLog } from './memoryLog.ts';

/** The in-memory log behind the broker port. Nothing survives `close`. */
export function createMemoryBroker(log: MemoryLog = createMemoryLog()): Broker {
  let closed = false;
  const whileOpen = <Value>(ask: () => Value): Promise<Value> =>
    closed ? Promise.reject(brokerClosed()) : new Promise((resolve) => resolve(ask()));

  return {
    capabilities: { name: 'memory', atomicWrites: true, survivesRestart: false },
    open: (topics) => whileOpen(() => log.open(topics)),
    offsets: (topic) => whileOpen(() => log.offsets(topic)),
    maintain: (nowMs) => whileOpen(() => log.maintain(nowMs)),
    offsetAtTime: (topic, partition, timeMs) => whileOpen(() => log.offsetAtTime(topic, partition, timeMs)),
    commits: () => whileOpen(() => log.commits()),
    state: () => whileOpen(() => log.state()),
    write: (batch) => whileOpen(() => log.write(batch)),
    read: (request) => whileOpen(() => log.read(request)),
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}
