import type { OperatorOf } from './operator.ts';

export const topic: OperatorOf<'topic'> = ({ config }) => ({
  family: 'topic',
  partitions: config.partitions,
  keyPath: config.key,
  schemaId: config.schema,
});
