import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ensureChromium } from './chromium.ts';
import { ensurePostgres } from './postgres.ts';
import { inProject, inSeconds, runNode, tools } from './runProcess.ts';
import { judge, sum, summaryLine, type Tally, tallyPlaywright, tallyVitest } from './testResults.ts';

const RESULTS_FOLDER = '.cache/test-results';

/** Fast ones first: what is broken everywhere shows soonest. */
const TIERS = ['unit', 'sim', 'int', 'e2e'] as const;
type Tier = (typeof TIERS)[number];

const USAGE = `Usage: npm test -- [--tier ${TIERS.join(',')}] [--grep <name>] [--seed <n> | --seeds <n>] [file…]

  --tier    which tiers to run, all when left out
  --grep    only tests whose name matches
  --seed    the one seed of the simulation tier
  --seeds   how many seeds the simulation tier tries
  file      only test files whose path contains one of these

npm test -- --tier sim --seed 7`;

type Selection = { files: readonly string[]; grep: string | undefined };

const VITEST_PROJECTS: Record<Exclude<Tier, 'e2e'>, readonly string[]> = {
  unit: ['unit', 'web'],
  sim: ['sim'],
  int: ['int'],
};

const readReport = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // No report, or half of one: the run did not end as it should, which `judge` says.
    return undefined;
  }
};

/**
 * Colours would be escape codes in a pipe, where the last line is read by programs. Vitest takes any FORCE_COLOR for a
 * yes; Playwright sets it for its workers, and Node warns there when NO_COLOR is set as well.
 */
const isTerminal = process.stdout.isTTY;
const colours = {
  vitest: isTerminal ? { FORCE_COLOR: '1', NO_COLOR: undefined } : { FORCE_COLOR: undefined, NO_COLOR: '1' },
  playwright: { FORCE_COLOR: isTerminal ? '1' : '0', NO_COLOR: undefined },
};

const isFiltering = ({ files, grep }: Selection): boolean => files.length > 0 || grep !== undefined;

const runVitest = async (tier: Exclude<Tier, 'e2e'>, selection: Selection, env: Record<string, string>) => {
  const report = inProject(`${RESULTS_FOLDER}/${tier}.json`);
  const outcome = await runNode(
    [
      tools.vitest,
      'run',
      ...VITEST_PROJECTS[tier].flatMap((project) => ['--project', project]),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...(selection.grep === undefined ? [] : ['--testNamePattern', selection.grep]),
      ...selection.files,
    ],
    { env: { ...env, ...colours.vitest }, echo: true },
  );
  const parsed = readReport(report) as Parameters<typeof tallyVitest>[0] | undefined;
  return { outcome, tally: parsed && tallyVitest(parsed) };
};

const runPlaywright = async (selection: Selection, env: Record<string, string>) => {
  const build = await runNode(['scripts/bootstrap.mjs', 'build'], { echo: true });
  if (build.code !== 0) throw new Error('without its page the product cannot be tested in a browser');
  const report = inProject(`${RESULTS_FOLDER}/e2e.json`);
  const outcome = await runNode(
    [
      tools.playwright,
      'test',
      '--config=e2e/playwright.config.ts',
      // A name may be at home in another tier.
      ...(isFiltering(selection) ? ['--pass-with-no-tests'] : []),
      ...(selection.grep === undefined ? [] : ['--grep', selection.grep]),
      ...selection.files,
    ],
    {
      env: {
        ...env,
        ...colours.playwright,
        MILLRACE_CHROMIUM: ensureChromium(),
        MILLRACE_E2E_REPORT: report,
      },
      echo: true,
    },
  );
  const parsed = readReport(report) as Parameters<typeof tallyPlaywright>[0] | undefined;
  return { outcome, tally: parsed && tallyPlaywright(parsed) };
};

const withPostgres = (): Record<string, string> => {
  const folder = ensurePostgres();
  return folder === undefined ? {} : { MILLRACE_POSTGRES_BIN: folder };
};

const runTier = async (tier: Tier, selection: Selection, env: Record<string, string>): Promise<Tally> => {
  console.log(`\n── ${tier} ──`);
  try {
    const { outcome, tally } =
      tier === 'e2e'
        ? await runPlaywright(selection, env)
        : await runVitest(tier, selection, tier === 'int' ? { ...env, ...withPostgres() } : env);
    const judged = judge(tally, { tier, exitCode: outcome.code, isFiltered: isFiltering(selection) });
    console.log(`${tier}: ${summaryLine(judged)} in ${inSeconds(outcome.durationMs)}`);
    return judged;
  } catch (error) {
    return { passed: 0, failed: 1, skipped: 0, problem: `${tier}: ${(error as Error).message}` };
  }
};

const isTier = (name: string): name is Tier => (TIERS as readonly string[]).includes(name);

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tier: { type: 'string', multiple: true },
      grep: { type: 'string', short: 'g' },
      seed: { type: 'string' },
      seeds: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const asked = (values.tier ?? [...TIERS]).flatMap((list) => list.split(','));
  const unknown = asked.find((name) => !isTier(name));
  if (unknown !== undefined) throw new Error(`there is no tier ${unknown}\n\n${USAGE}`);

  rmSync(inProject(RESULTS_FOLDER), { recursive: true, force: true });
  mkdirSync(inProject(RESULTS_FOLDER), { recursive: true });
  const env: Record<string, string> = {};
  if (values.seed !== undefined) env.MILLRACE_SEED = values.seed;
  if (values.seeds !== undefined) env.MILLRACE_SEEDS = values.seeds;

  const tallies: Tally[] = [];
  for (const tier of TIERS.filter((name) => asked.includes(name)))
    tallies.push(await runTier(tier, { files: positionals, grep: values.grep }, env));

  const total = sum(tallies);
  const nothingRan = total.passed + total.failed + total.skipped === 0;
  const problems = tallies.flatMap((tally) => tally.problem ?? []);
  if (nothingRan) problems.push('nothing matches: no test ran');
  console.log('');
  for (const problem of problems) console.log(`problem: ${problem}`);
  console.log(summaryLine(total));
  return total.failed > 0 || nothingRan ? 1 : 0;
};

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
