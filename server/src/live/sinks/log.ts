import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import type { AttemptOutcome } from '../../engine/io.ts';
import type { Sink } from './sink.ts';

const DATA_CHARS_MAX = 500;

/** Says each message in one line of the run's log. */
export function createLogSink({ config }: FlowNodeOf<'log'>): Sink {
  return {
    async invoke({ deliveries }) {
      return deliveries.map(({ message }): AttemptOutcome => {
        const { type, key, data } = message;
        const shown = data.length > DATA_CHARS_MAX ? `${data.slice(0, DATA_CHARS_MAX)}…` : data;
        const text = `${type}${key === null ? '' : ` [${key}]`} ${shown}`;
        return {
          status: 'ok',
          durationUs: 1,
          emits: [],
          state: [],
          timers: [],
          logs: [{ level: config.level, message: text }],
        };
      });
    },
    async close() {},
  };
}
