import { IsolateHost } from './isolateHost.ts';

/** Holds an isolate whose code never ends, for the test that kills this process. Tells the pid of the isolate's. */
const host = new IsolateHost();
const isolate = await host.open({
  node: 'node:endless',
  code: 'export function handle() { for (;;); }',
  timeoutMs: 60_000,
  memoryMb: 32,
});
const call = isolate.call(
  '{"nowMs":0,"seed":1,"deliveries":[["id","s","t",0,null,null,"topic",0,0,1,0,null,false,"",{}]],"state":{}}',
);
process.send?.(host.pid);
await call;
