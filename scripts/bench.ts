import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot } from './sourceFiles.ts';

/**
 * Runs each `server/bench/*.bench.ts` in a process of its own, one after the other, so that none warms up or slows down
 * another. Stdout carries figures only, one JSON object a line: `{name, value, unit, against?, ratio?}`; everything else
 * a benchmark says goes to stderr. Options after the names go to the benchmarks: `pnpm bench engine --long`.
 */
const FOLDER = 'server/bench';

const isFigure = (line: string): boolean => {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null && 'name' in parsed && 'value' in parsed;
  } catch {
    return false;
  }
};

const runBench = (file: string, options: string[]): Promise<{ code: number; figures: number }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-node-snapshot', '--expose-gc', file, ...options], {
      cwd: projectRoot,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let figures = 0;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (isFigure(line)) figures += 1;
      (isFigure(line) ? process.stdout : process.stderr).write(`${line}\n`);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, figures }));
  });

const folder = join(projectRoot, FOLDER);
const all = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.bench.ts')) : [];
const given = process.argv.slice(2).filter((arg) => arg !== '--');
const optionsAt = given.findIndex((arg) => arg.startsWith('--'));
const asked = optionsAt < 0 ? given : given.slice(0, optionsAt);
const options = optionsAt < 0 ? [] : given.slice(optionsAt);
const chosen = all.filter((file) => asked.length === 0 || asked.some((part) => file.includes(part))).sort();

if (chosen.length === 0) {
  console.error(
    `no benchmark matches; there are: ${all.map((file) => basename(file, '.bench.ts')).join(', ')}`,
  );
  process.exitCode = 2;
}
for (const file of chosen) {
  const { code, figures } = await runBench(join(FOLDER, file), options);
  if (code === 0 && figures > 0) continue;
  console.error(`${file}: exit code ${code}, ${figures} figures`);
  process.exitCode = 1;
}
