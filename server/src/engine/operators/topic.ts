import type { OperatorOf } from './operator.ts';

export const topic: OperatorOf<'topic'> = ({ config }) => ({
  family: 'topic',
  partitions: config.partitions,
  keyPath: config.key,
  schemaId: config.schema,
  schemaPolicy: config.schemaPolicy,
  retention: {
    ageMs: config.retentionMs,
    bytes: config.retentionBytes,
    messages: config.retentionMessages,
  },
  cleanup: config.cleanup,
  tombstoneMs: config.tombstoneMs,
});
