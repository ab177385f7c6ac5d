import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PADDING } from '../flows.ts';
import { inFolder } from '../folders.ts';

export const NODE_RED_VERSION = '5.0.7';
const CACHE = fileURLToPath(new URL('../../../.cache/bench/node-red', import.meta.url));
const MODULES = path.join(CACHE, 'node_modules');
const SCRIPT = path.join(MODULES, 'node-red', 'red.js');
const END_MS_MAX = 120_000;
/** The generator lets the flow work after so many messages; Node-RED itself has no back-pressure. */
const TURN_MESSAGES = 100;

/** Fetched when first asked for, outside of the workspace; false where it cannot be. */
export function fetchNodeRed(): boolean {
  if (existsSync(SCRIPT)) return true;
  mkdirSync(CACHE, { recursive: true });
  process.stderr.write(`fetching node-red ${NODE_RED_VERSION} into .cache/bench\n`);
  const options = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  spawnSync('npm', ['install', '--prefix', CACHE, ...options, `node-red@${NODE_RED_VERSION}`], {
    cwd: CACHE,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return existsSync(SCRIPT);
}

const node = (id: string, type: string, next: string[], more: object) => ({
  id,
  type,
  z: 'flow',
  name: id,
  wires: next.length > 0 ? [next] : [],
  x: 0,
  y: 0,
  ...more,
});
const code = (id: string, next: string[], func: string) =>
  node(id, 'function', next, { func, outputs: next.length, initialize: '', finalize: '', libs: [] });

/** inject → function that produces → two function nodes → function that counts, all in memory. */
function flowOf(messages: number): object[] {
  const stage = 'msg.payload.stage = (msg.payload.stage ?? 0) + 1;\nreturn msg;';
  return [
    { id: 'flow', type: 'tab', label: 'Bench' },
    node('start', 'inject', ['source'], { props: [], repeat: '', once: true, onceDelay: 0.1, topic: '' }),
    code(
      'source',
      ['one'],
      `const report = global.get('report');
report('started');
let index = 0;
const turn = () => {
  const end = Math.min(index + ${TURN_MESSAGES}, ${messages});
  for (; index < end; index++)
    node.send({ payload: { index, customer: 'customer-' + index, note: '${PADDING}' } });
  if (index < ${messages}) setTimeout(turn, 0);
};
turn();`,
    ),
    code('one', ['two'], stage),
    code('two', ['sink'], stage),
    code(
      'sink',
      [],
      `const arrived = (context.get('arrived') ?? 0) + 1;
context.set('arrived', arrived);
if (arrived === ${messages}) global.get('report')('arrived');`,
    ),
  ];
}

const SETTINGS = `module.exports = {
  flowFile: 'flows.json',
  httpAdminRoot: false,
  httpNodeRoot: false,
  functionTimeout: 0,
  functionGlobalContext: { report: (what) => process.stdout.write('bench ' + what + ' ' + performance.now() + '\\n') },
  logging: { console: { level: 'error', metrics: false, audit: false } },
};
`;

/** Its own process, as everybody runs it, with no editor open. */
export function measureNodeRed(messages: number): Promise<{ seconds: number }> {
  return inFolder(async (folder) => {
    await writeFile(path.join(folder, 'flows.json'), JSON.stringify(flowOf(messages)));
    await writeFile(path.join(folder, 'settings.js'), SETTINGS);
    const child = spawn(
      process.execPath,
      [SCRIPT, '--userDir', folder, '--settings', `${folder}/settings.js`],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    try {
      return await new Promise((resolve, reject) => {
        const giveUp = setTimeout(() => reject(new Error('Node-RED did not end in time')), END_MS_MAX);
        let startedMs = 0;
        createInterface({ input: child.stdout }).on('line', (line) => {
          const [, what, ms] = /^bench (\w+) ([\d.]+)$/.exec(line) ?? [];
          if (what === 'started') startedMs = Number(ms);
          if (what !== 'arrived') return;
          clearTimeout(giveUp);
          resolve({ seconds: (Number(ms) - startedMs) / 1000 });
        });
        child.once('exit', (exitCode) => reject(new Error(`Node-RED ended with ${exitCode}`)));
      });
    } finally {
      child.kill('SIGKILL');
    }
  });
}
