import { IsolateHost } from './isolateHost.ts';

/** Calls an isolate whose code never ends, for the test that kills this process. Tells the pid of the isolate's. */
const host = new IsolateHost();
const isolate = await host.open({
  node: 'node:endless',
  code: 'export function handle() { for (;;); }',
  timeoutMs: 60_000,
  memoryMb: 32,
});
const call = isolate.call(process.argv[2] ?? '');
process.send?.(host.pid);
await call;
