/**
 * How the process of a run is started; benchmarks start theirs in the same way. The space for new objects is held at a third of
 * V8's own limit: at full rate that costs no throughput, and spares about 100 MB.
 */
export const RUN_EXEC_ARGV = ['--no-node-snapshot', '--max-semi-space-size=24'];

/**
 * What glibc's allocator is told, unless the environment says otherwise. Buffers come and go on several threads; left alone it puts
 * even large ones into pools per thread, which only grow: a run at full rate was at 1,040 MB after two million messages, and is
 * at 830 MB where large buffers are given back when they are freed and pools are few. Other allocators do not know these names.
 */
const ALLOCATOR = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '262144' };

export function runEnvironment(): NodeJS.ProcessEnv {
  return { ...ALLOCATOR, ...process.env };
}
