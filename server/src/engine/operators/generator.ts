import type { OperatorOf } from './operator.ts';

export const generator: OperatorOf<'generator'> = ({ config }) => ({
  family: 'producer',
  pacing: { mode: 'rate', perSecond: config.ratePerSecond },
  endless: config.count === null,
  keyPath: '',
  eventType: config.eventType,
});
