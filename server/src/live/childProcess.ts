/**
 * How the process of a run is started; benchmarks start theirs in the same way. The space for new objects is held at a third of
 * V8's own limit: at full rate that costs no throughput, and spares about 100 MB.
 */
export const RUN_EXEC_ARGV = ['--no-node-snapshot', '--max-semi-space-size=24'];

/**
 * What glibc's allocator is told, unless the environment says otherwise. Buffers come and go on several threads; left alone it puts
 * even large ones into pools per thread, which only grow: 100 MB more after 10 million messages. So large ones are given
 * back when they are freed, and there are few pools. Other allocators do not know these names.
 */
const ALLOCATOR = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '262144' };

export function runEnvironment(): NodeJS.ProcessEnv {
  return { ...ALLOCATOR, ...process.env };
}
