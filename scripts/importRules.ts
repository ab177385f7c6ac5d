/**
 * Which folder may import which: the arrows of the architecture, as data. `scripts/checkImports.ts` enforces them.
 *
 * Type imports count. A file belongs to the longest `path` that it starts with, may always import its own zone, and
 * a file that belongs to none is an error: a new folder gets a line here, where a reader can see what it depends on.
 * Tests may import anything of their own package.
 */
export type Zone = {
  path: string;
  /** Prefixes of our files, besides this zone itself. */
  may: readonly string[];
  /** No `node:*` and no npm package but those named here. Left out: any package, apart from `packageImporters`. */
  pure?: { packages: readonly string[] };
};

const SHARED = 'shared/src/';
const zodOnly = { packages: ['zod'] };
const nothing = { packages: [] };

const sharedZone = (folder: string, may: readonly string[], pure = zodOnly): Zone => ({
  path: `${SHARED}${folder}/`,
  may: may.map((other) => `${SHARED}${other}/`),
  pure,
});

const serverZone = (path: string, may: readonly string[], pure?: Zone['pure']): Zone => ({
  path: `server/src/${path}`,
  may: [SHARED, ...may.map((other) => `server/src/${other}`)],
  pure,
});

const webZone = (path: string, may: readonly string[], pure?: Zone['pure']): Zone => ({
  path: `web/src/${path}`,
  may: [SHARED, ...may.map((other) => `web/src/${other}`)],
  pure,
});

export const zones: readonly Zone[] = [
  sharedZone('errors', []),
  sharedZone('util', []),
  sharedZone('time', ['util']),
  sharedZone('message', ['errors', 'time', 'util']),
  // Reading and writing a document means JSON and YAML; only the YAML text form is borrowed from `exchange`.
  {
    ...sharedZone('flow', ['errors', 'message', 'time', 'util']),
    may: ['errors/', 'message/', 'time/', 'util/', 'exchange/yaml.ts'].map((path) => `${SHARED}${path}`),
  },
  sharedZone('faults', ['flow', 'util']),
  sharedZone('deadLetters', ['message', 'util']),
  sharedZone('trace', ['deadLetters', 'errors', 'faults', 'message', 'time', 'util']),
  sharedZone('protocol', ['deadLetters', 'errors', 'faults', 'flow', 'message', 'time', 'trace', 'util']),
  sharedZone('exchange', ['errors', 'flow', 'message', 'trace', 'util'], { packages: ['zod'] }),
  { path: `${SHARED}exchange/yaml.ts`, may: [`${SHARED}errors/`], pure: { packages: ['yaml'] } },

  serverZone('engine/', [], nothing),
  serverZone('engine/io.ts', [], nothing),
  serverZone('engine/engine.ts', ['engine/'], nothing),
  serverZone('engine/operators/', ['engine/io.ts'], nothing),
  serverZone('engine/natives/', ['engine/io.ts', 'engine/runtime/limits.ts'], nothing),
  serverZone('engine/plan/', ['engine/io.ts', 'engine/operators/'], nothing),
  serverZone('engine/runtime/', ['engine/io.ts', 'engine/operators/', 'engine/plan/'], nothing),
  serverZone('brokers/', ['brokers/', 'bytes/', 'sqlite/']),
  serverZone('brokers/broker.ts', [], nothing),
  serverZone('brokers/readRules.ts', ['brokers/broker.ts'], nothing),
  serverZone('brokers/cleanup.ts', ['brokers/broker.ts'], nothing),
  serverZone('brokers/memory/', ['brokers/broker.ts', 'brokers/cleanup.ts', 'brokers/readRules.ts'], nothing),
  serverZone('simulator/', ['engine/', 'brokers/broker.ts', 'brokers/memory/'], nothing),
  serverZone('sandbox/', ['bytes/', 'engine/io.ts']),
  serverZone('live/', ['engine/', 'brokers/broker.ts', 'sandbox/sandbox.ts', 'trace/', 'sqlite/']),
  // The process of one run puts its own parts together, as main.ts does for the server.
  serverZone('live/runProcess.ts', ['live/', 'engine/', 'brokers/', 'sandbox/', 'trace/', 'storage/']),
  serverZone('trace/', ['sqlite/']),
  serverZone('storage/', ['sqlite/']),
  // What those share who send or keep text as bytes.
  serverZone('bytes/', []),
  // What those who keep data in SQLite share, so that none of them has to know another.
  serverZone('sqlite/', []),
  serverZone('testing/', ['']),
  serverZone('config/', []),
  serverZone('gateway/', ['config/', 'engine/io.ts', 'live/', 'simulator/', 'storage/', 'trace/']),
  serverZone('cli/', ['']),
  serverZone('main.ts', ['']),
  { path: 'server/bench/', may: ['server/src/', SHARED] },

  webZone('main.tsx', ['']),
  webZone('app/', ['']),
  webZone('editor/', ['editor/', 'nodes/', 'ui/']),
  // Records, diffs and history are plain TypeScript: they can be tested, and reasoned about, without a browser.
  webZone('editor/store/', [], { packages: ['zustand', 'zod'] }),
  webZone('editor/commands/', ['editor/store/', 'nodes/']),
  // How React follows the store; the panels of the editor share it.
  webZone('editor/binding/', ['editor/store/', 'editor/commands/']),
  webZone('editor/canvas/', ['editor/store/', 'editor/commands/', 'editor/binding/', 'nodes/', 'ui/']),
  webZone('editor/palette/', ['editor/store/', 'editor/commands/', 'editor/binding/', 'nodes/', 'ui/']),
  // A node's problems stand above its form, too.
  webZone('editor/inspector/', [
    'editor/store/',
    'editor/commands/',
    'editor/binding/',
    'editor/problems/problems.ts',
    'nodes/',
    'ui/',
  ]),
  webZone('editor/problems/', ['editor/store/', 'editor/commands/', 'editor/binding/', 'nodes/', 'ui/']),
  webZone('nodes/', ['ui/']),
  webZone('run/', ['connection/', 'live/', 'ui/']),
  webZone('live/', []),
  webZone('trace/', ['live/', 'ui/']),
  webZone('messages/', ['live/', 'ui/']),
  webZone('connection/', []),
  { path: 'web/src/ui/', may: [] },

  { path: 'e2e/', may: [SHARED] },
  { path: 'e2e/playwright.config.ts', may: ['scripts/chromium.ts'] },
  { path: 'e2e/screens/', may: [SHARED, 'e2e/', 'scripts/chromium.ts'] },
  { path: 'scripts/', may: [] },
  { path: 'scripts/writeFlowSchema.ts', may: [`${SHARED}flow/`] },
];

/** Packages that one place hides from everybody else, so that they can be replaced there. */
export const packageImporters: Readonly<Record<string, readonly string[]>> = {
  pg: ['server/src/live/sinks/database/'],
  'isolated-vm': ['server/src/sandbox/'],
  'socket.io': ['server/src/gateway/'],
  'socket.io-client': ['web/src/connection/', 'e2e/'],
  '@xyflow/react': ['web/src/editor/canvas/', 'web/src/nodes/'],
  yaml: ['shared/src/exchange/yaml.ts'],
};
