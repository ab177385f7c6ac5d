import type { OperatorOf } from './operator.ts';

export const http: OperatorOf<'http'> = ({ config }) => ({
  family: 'producer',
  pacing: { mode: 'pushed' },
  endless: true,
  keyPath: config.key,
  eventType: config.eventType,
});
