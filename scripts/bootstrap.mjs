// The one door to everything: `node scripts/bootstrap.mjs <target> [arguments]`.
//
// A fresh clone on a machine that has nothing but npm and some Node must work with one command, so this file is
// plain JavaScript on Node's own modules and runs on Node 18. It fetches the Node and the pnpm that the project
// needs when they are missing, installs, builds the page when its sources changed, and then runs the target.
// What it says goes to stderr: stdout belongs to the target.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const PNPM_VERSION = '12.21.0';
const NODE_MAJOR = 24;
/** The majors for which isolated-vm carries a binary; on any other the fetched Node is used. */
const NODE_MAJORS_THAT_WORK = [24, 26];
/** Earlier releases of 24 still warn about type stripping on every start. */
const NODE_24_MINOR_MIN = 4;
const LOCK_WAIT_MS_MAX = 10 * 60_000;
const LOCK_POLL_MS = 250;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache');
const isWindows = process.platform === 'win32';

/**
 * What each target runs, and whether the built page must be there first. `inCallersFolder`: file names on the
 * command line are meant relative to where the caller stands.
 */
const TARGETS = {
  start: {
    does: 'build the page when needed and start the workbench',
    command: ['--no-node-snapshot', 'server/src/cli/millrace.ts', 'serve'],
    needsPage: () => true,
  },
  millrace: {
    does: 'the command line; `millrace --help` tells more',
    command: ['--no-node-snapshot', 'server/src/cli/millrace.ts'],
    needsPage: (args) => args[0] === 'serve' && !args.includes('--help'),
    inCallersFolder: true,
  },
  dev: { does: 'server and page, both reloading on change', command: ['scripts/dev.ts'] },
  build: { does: 'build the page', needsPage: () => true },
  check: {
    does: 'format, lint, import rules, types, unused code, unit tests',
    command: ['scripts/check.ts'],
  },
  format: { does: 'format and fix what can be fixed', command: ['scripts/check.ts', '--fix', 'format'] },
  test: { does: 'all tests, or --tier unit,sim,int,e2e', command: ['scripts/test.ts'] },
  crash: {
    does: 'kill a working server again and again and count what is lost; --kills n, --seed n',
    command: ['--no-node-snapshot', 'e2e/crash/crash.ts'],
  },
  bench: { does: 'benchmarks; one JSON line per figure', command: ['scripts/bench.ts'] },
  install: { does: 'install the dependencies' },
  node: { does: "run the project's Node", command: [], inCallersFolder: true },
  pnpm: { does: "run the project's pnpm", command: () => [ensurePnpm()], inCallersFolder: true },
};

class BootstrapError extends Error {}

const say = (line) => process.stderr.write(`millrace: ${line}\n`);

// --- Node ---------------------------------------------------------------------------------------------------

const nodeWorks = (version) => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return NODE_MAJORS_THAT_WORK.includes(major) && (major !== 24 || minor >= NODE_24_MINOR_MIN);
};

/** npm as it was called, or the one beside the running Node: a shell script of that name would be `npm.cmd` on Windows. */
const runNpm = (args) => {
  const candidates = [
    process.env.npm_execpath ?? '',
    join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const script = candidates.find((path) => basename(path) === 'npm-cli.js' && existsSync(path));
  const options = { stdio: ['ignore', 'ignore', 'inherit'], cwd: cache };
  return script === undefined
    ? spawnSync('npm', args, { ...options, shell: isWindows })
    : spawnSync(process.execPath, [script, ...args], options);
};

const npmInstall = (folder, specifier) => {
  mkdirSync(folder, { recursive: true });
  const result = runNpm([
    'install',
    '--prefix',
    folder,
    '--ignore-scripts',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--global=false',
    '--include=optional',
    '--loglevel=error',
    specifier,
  ]);
  if (result.error !== undefined) say(`npm could not be started: ${result.error.message}`);
  return result.status === 0;
};

const nodePackage = () => `node-${isWindows ? 'win' : process.platform}-${process.arch}`;

const fetchedNode = () =>
  join(cache, 'node', 'node_modules', nodePackage(), 'bin', isWindows ? 'node.exe' : 'node');

const versionOf = (executable) => {
  const result = spawnSync(executable, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim().replace(/^v/, '') : undefined;
};

/** The path of a Node that can run the project: this one, or one from the npm registry kept in `.cache/node`. */
const ensureNode = () => {
  if (nodeWorks(process.versions.node)) return process.execPath;
  const fetched = fetchedNode();
  if (existsSync(fetched) && nodeWorks(versionOf(fetched) ?? '')) return fetched;
  say(
    `Node ${process.versions.node} is not one Millrace runs on; fetching Node ${NODE_MAJOR} into ${relative(root, cache)}`,
  );
  if (
    npmInstall(join(cache, 'node'), `${nodePackage()}@${NODE_MAJOR}`) &&
    nodeWorks(versionOf(fetched) ?? '')
  )
    return fetched;
  throw new BootstrapError(
    `Node ${NODE_MAJOR} is needed, this is ${process.versions.node}, and none could be fetched for ` +
      `${process.platform}-${process.arch}. Install Node ${NODE_MAJOR} LTS from https://nodejs.org and try again.`,
  );
};

/** Whatever the target starts finds the same Node, however it looks for it. */
const withNodeFirst = (node) => {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  return { ...process.env, [name]: [dirname(node), process.env[name] ?? ''].join(delimiter) };
};

// --- Dependencies -------------------------------------------------------------------------------------------

const hashOf = (paths) => {
  const hash = createHash('sha256');
  for (const path of paths)
    hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0');
  return hash;
};

const readOr = (path, otherwise) => (existsSync(path) ? readFileSync(path, 'utf8') : otherwise);

const MANIFESTS = ['.', 'shared', 'server', 'web', 'e2e'].map((folder) => join(root, folder, 'package.json'));
const INSTALL_STAMP = join(root, 'node_modules', '.millrace-install');

/** pnpm from the npm registry, kept in `.cache/pnpm`: the machine may have none, or another major. */
function ensurePnpm() {
  const folder = join(cache, 'pnpm');
  const script = join(folder, 'node_modules', 'pnpm', 'bin', 'pnpm.mjs');
  const manifest = join(folder, 'node_modules', 'pnpm', 'package.json');
  if (existsSync(script) && JSON.parse(readOr(manifest, '{}')).version === PNPM_VERSION) return script;
  say(`fetching pnpm ${PNPM_VERSION} into ${relative(root, cache)}`);
  if (!npmInstall(folder, `pnpm@${PNPM_VERSION}`) || !existsSync(script))
    throw new BootstrapError(`pnpm ${PNPM_VERSION} could not be fetched; is the npm registry reachable?`);
  return script;
}

const installStamp = (node) =>
  hashOf([...MANIFESTS, join(root, 'pnpm-lock.yaml'), join(root, 'pnpm-workspace.yaml')])
    .update(`${process.platform} ${process.arch} ${versionOf(node)?.split('.')[0]} ${PNPM_VERSION}`)
    .digest('hex');

const installDependencies = (node, environment) => {
  const stamp = installStamp(node);
  if (readOr(INSTALL_STAMP, '') === stamp) return;
  const pnpm = ensurePnpm();
  say('installing dependencies');
  const result = spawnSync(node, [pnpm, 'install', '--frozen-lockfile', '--reporter=append-only'], {
    cwd: root,
    // Without a terminal pnpm must not ask, and a production setting must not leave out what the build needs.
    env: { ...environment, CI: 'true', NODE_ENV: 'development' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    throw new BootstrapError('the dependencies could not be installed');
  }
  writeFileSync(INSTALL_STAMP, stamp);
};

// --- The page -----------------------------------------------------------------------------------------------

const PAGE_STAMP = join(root, 'web', 'dist', '.millrace-build');

const filesUnder = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .flatMap((entry) => {
          const path = join(folder, entry.name);
          if (entry.isDirectory())
            return ['node_modules', 'dist'].includes(entry.name) ? [] : filesUnder(path);
          return /\.test\.tsx?$/.test(entry.name) || entry.name.startsWith('.') ? [] : [path];
        })
    : [];

const pageStamp = () =>
  hashOf([
    join(root, 'vite.config.ts'),
    join(root, 'pnpm-lock.yaml'),
    ...filesUnder(join(root, 'shared', 'src')),
    ...filesUnder(join(root, 'web')),
  ]).digest('hex');

const buildPage = (node, environment) => {
  const stamp = pageStamp();
  if (readOr(PAGE_STAMP, '') === stamp) return;
  say('building the page');
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const result = spawnSync(node, [vite, 'build', '--logLevel', 'warn'], {
    cwd: root,
    env: { ...environment, NODE_ENV: 'production' },
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) throw new BootstrapError('the page could not be built');
  writeFileSync(PAGE_STAMP, stamp);
};

// --- One bootstrap at a time --------------------------------------------------------------------------------

const processLives = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

const sleepMs = (duration) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, duration);

/** Two terminals may start at once in a fresh clone; installing twice into one folder breaks it. */
const underLock = (work) => {
  mkdirSync(cache, { recursive: true });
  const lock = join(cache, 'bootstrap.lock');
  const until = Date.now() + LOCK_WAIT_MS_MAX;
  for (let told = false; ; ) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = Number(readOr(lock, '0'));
    const isOld = existsSync(lock) && Date.now() - statSync(lock).mtimeMs > LOCK_POLL_MS;
    if (isOld && !processLives(owner)) rmSync(lock, { force: true });
    else if (Date.now() > until)
      throw new BootstrapError(`waited too long for process ${owner}; remove ${lock}`);
    else {
      if (!told) say(`waiting for process ${owner}, which is preparing this folder`);
      told = true;
      sleepMs(LOCK_POLL_MS);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
};

// --- Running the target -------------------------------------------------------------------------------------

const callersFolder = () => {
  // npm and pnpm run scripts in the project's root and leave the caller's folder in INIT_CWD.
  const fromRunner = process.env.npm_lifecycle_event !== undefined && process.cwd() === root;
  return fromRunner ? (process.env.INIT_CWD ?? root) : process.cwd();
};

const ORPHAN_CHECK_MS = 500;

/**
 * A `kill` of npm's process ends npm and the shell between, but reaches nobody below them. Without this, the server would
 * live on and keep its port.
 */
const stopWhenOrphaned = (child) => {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill('SIGTERM');
  }, ORPHAN_CHECK_MS);
  watch.unref();
};

const runTarget = (node, args, cwd, environment) => {
  const child = spawn(node, args, { cwd, env: environment, stdio: 'inherit' });
  stopWhenOrphaned(child);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A Ctrl+C in a terminal has reached the child already; a second one might mean "stop at once" to it.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    say(`could not run ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };
    process.exit(code ?? 128 + (signalNumbers[signal] ?? 0));
  });
};

const usage = () => {
  const lines = Object.entries(TARGETS).map(([name, target]) => `  ${name.padEnd(10)}${target.does}`);
  process.stdout.write(`Usage: node scripts/bootstrap.mjs <target> [arguments]\n\n${lines.join('\n')}\n`);
};

const main = () => {
  const [name, ...given] = process.argv.slice(2);
  // npm takes the `--` before a script's arguments away, pnpm hands it on.
  const args = given[0] === '--' ? given.slice(1) : given;
  const target = Object.hasOwn(TARGETS, name ?? '') ? TARGETS[name] : undefined;
  if (target === undefined) {
    usage();
    process.exitCode = name === '--help' ? 0 : 2;
    return;
  }
  const prepared = underLock(() => {
    const node = ensureNode();
    const environment = withNodeFirst(node);
    if (name !== 'pnpm' && name !== 'node') installDependencies(node, environment);
    if (target.needsPage?.(args)) buildPage(node, environment);
    const command = typeof target.command === 'function' ? target.command() : target.command;
    return { node, environment, command };
  });
  if (prepared.command === undefined) return;
  const cwd = target.inCallersFolder ? callersFolder() : root;
  const command = prepared.command.map((part) => (part.endsWith('.ts') ? resolve(root, part) : part));
  runTarget(prepared.node, [...command, ...args], cwd, prepared.environment);
};

try {
  main();
} catch (error) {
  say(error instanceof BootstrapError ? error.message : (error.stack ?? String(error)));
  process.exitCode = 1;
}
