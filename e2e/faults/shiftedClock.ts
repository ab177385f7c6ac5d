import { readFileSync } from 'node:fs';

/**
 * Loaded before the product by a test (`NODE_OPTIONS=--import=…`), into each of its processes and threads: shows them a
 * clock that is as many milliseconds ahead as a file says. The monotonic clock is left alone, as it is when somebody sets
 * the time of a machine.
 */
const FILE = process.env.MILLRACE_TEST_CLOCK;
const LOOK_MS = 20;

if (FILE !== undefined) {
  const SystemDate = Date;
  let shiftMs = 0;
  const look = (): void => {
    const text = readFileSync(FILE, 'utf8');
    // Empty for an instant while it is written.
    if (text !== '') shiftMs = Number(text);
  };
  look();
  setInterval(look, LOOK_MS).unref();

  globalThis.Date = new Proxy(SystemDate, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [target.now() + shiftMs] : args, newTarget) as object,
    apply: (target) => new target(target.now() + shiftMs).toString(),
    get: (target, name, receiver) =>
      name === 'now' ? () => target.now() + shiftMs : (Reflect.get(target, name, receiver) as unknown),
  });
}
