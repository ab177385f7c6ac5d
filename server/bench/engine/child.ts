import { CASES, type CaseName } from './cases.ts';

/** A process that does one measurement and ends, so that none finds the heap, the caches or the garbage of another. */
process.once('message', (asked: { name: CaseName; options: never }) => {
  const measure = CASES[asked.name] as (options: never) => Promise<unknown>;
  measure(asked.options).then(
    (value) => answer({ ok: true, value }, 0),
    (thrown: unknown) =>
      answer({ ok: false, message: thrown instanceof Error ? thrown.stack : String(thrown) }, 1),
  );
});

function answer(message: object, code: number): void {
  // At once, as in a crash: what a measurement left on disk is then what a crash leaves.
  process.send?.(message, undefined, undefined, () => {
    if (code === 0) process.kill(process.pid, 'SIGKILL');
    else process.exit(code);
  });
}
