/**
 * Makes the isolate's globals deterministic and unchangeable before a person's code is loaded. Runs inside the isolate.
 * What is left out would let the code see the time, the machine, the garbage collector or another thread.
 */
const REMOVED = [
  'Atomics',
  'SharedArrayBuffer',
  'WebAssembly',
  'WeakRef',
  'FinalizationRegistry',
  'Temporal',
  'escape',
  'gc',
  'unescape',
];

/** Where the time and randomness of the delivery under way come from. Both throw when there is none. */
export type Ambient = { nowMs(): number; random(): number };

export type LogTarget = (level: 'debug' | 'info' | 'warn' | 'error', args: unknown[]) => void;

export function prepareGlobals(ambient: Ambient, log: LogTarget): void {
  const globals = globalThis as unknown as Record<string, unknown>;
  for (const name of REMOVED) delete globals[name];
  globals.Date = dateOf(ambient);
  Math.random = () => ambient.random();
  globals.console = {
    debug: (...args: unknown[]) => log('debug', args),
    log: (...args: unknown[]) => log('info', args),
    info: (...args: unknown[]) => log('info', args),
    warn: (...args: unknown[]) => log('warn', args),
    error: (...args: unknown[]) => log('error', args),
  };
  // Its formatters take the present moment when they are given none.
  delete (Intl as Partial<typeof Intl>).DateTimeFormat;
  lockDown();
}

/** Date without a clock of its own: "now" is the time of the delivery, and everything else is as it was. */
function dateOf(ambient: Ambient): unknown {
  const RealDate = Date;
  function DateOfDelivery(...args: unknown[]): unknown {
    if (!new.target) return new RealDate(ambient.nowMs()).toString();
    return Reflect.construct(RealDate, args.length === 0 ? [ambient.nowMs()] : args, new.target);
  }
  Object.defineProperties(DateOfDelivery, {
    name: { value: 'Date' },
    length: { value: 7 },
    prototype: { value: RealDate.prototype, writable: false },
    now: { value: () => ambient.nowMs() },
    parse: { value: RealDate.parse },
    UTC: { value: RealDate.UTC },
  });
  RealDate.prototype.constructor = DateOfDelivery as unknown as DateConstructor;
  return DateOfDelivery;
}

/**
 * Freezes what every delivery shares. The prototypes of plain objects, functions and errors are only sealed: freezing
 * them would make ordinary code such as `this.name = 'MyError'` throw.
 */
function lockDown(): void {
  const sealedOnly = new Set<unknown>([Object.prototype, Function.prototype]);
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const value = (globalThis as unknown as Record<string, unknown>)[name];
    if (typeof value !== 'function') continue;
    const prototype: unknown = value.prototype;
    if (prototype instanceof Error || prototype === Error.prototype) sealedOnly.add(prototype);
  }
  const seen = new Set<object>();
  const queue: unknown[] = [...hiddenIntrinsics()];
  for (const key of Reflect.ownKeys(globalThis)) {
    if (key !== 'globalThis') queue.push(Reflect.getOwnPropertyDescriptor(globalThis, key)?.value);
  }
  while (queue.length > 0) {
    const value = queue.pop();
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value))
      continue;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      queue.push(descriptor?.value, descriptor?.get, descriptor?.set);
    }
    queue.push(Reflect.getPrototypeOf(value));
    if (sealedOnly.has(value)) Object.seal(value);
    else Object.freeze(value);
  }
  Object.freeze(globalThis);
}

/** Intrinsics that no global names: they are reached only through syntax. */
function hiddenIntrinsics(): unknown[] {
  const generator = Object.getPrototypeOf(function* () {}) as object;
  const asyncGenerator = Object.getPrototypeOf(async function* () {}) as object;
  return [
    Object.getPrototypeOf(async () => {}),
    generator,
    asyncGenerator,
    Object.getPrototypeOf(Int8Array),
    Object.getPrototypeOf([][Symbol.iterator]()),
    Object.getPrototypeOf(''[Symbol.iterator]()),
    Object.getPrototypeOf(new Map()[Symbol.iterator]()),
    Object.getPrototypeOf(new Set()[Symbol.iterator]()),
    Object.getPrototypeOf(''.matchAll(/x/g)),
  ];
}
