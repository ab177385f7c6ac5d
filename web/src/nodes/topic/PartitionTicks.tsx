import type { NodeConfig } from '@millrace/shared/flow/records/registry.ts';

const TICKS_MAX = 12;

/** One tick per partition: a topic's width is seen without reading. */
export function PartitionTicks({ config }: { config: NodeConfig<'topic'> }) {
  const count = Math.min(config.partitions, TICKS_MAX);
  return (
    <svg width={count * 5} height="10" aria-hidden="true" style={{ flex: 'none' }}>
      {Array.from({ length: count }, (_, tick) => tick).map((tick) => (
        <rect
          key={tick}
          x={tick * 5}
          y="0"
          width="3"
          height="10"
          rx="1"
          fill="var(--mr-topic)"
          opacity={tick === TICKS_MAX - 1 && config.partitions > TICKS_MAX ? 0.35 : 0.8}
        />
      ))}
    </svg>
  );
}
