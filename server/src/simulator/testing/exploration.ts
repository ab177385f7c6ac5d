import { FAULT_KINDS } from '@millrace/shared/faults/fault.ts';
import { describe, expect, it } from 'vitest';
import { DRIVER_FAULT_KINDS } from '../faultPlan.ts';
import { type Changes, playSeed } from './generate/play.ts';

/**
 * Explores the seeds of one shard, a chunk of them in each test: `--seeds n` tries that many, `--seed n` plays one again and
 * tells more of it. Two test files take a shard each, so that two processes work on them.
 */
export const SHARDS = 2;

const SEEDS_DEFAULT = 4000;
const SEEDS_PER_TEST = 200;
/** Below this, chance alone may keep a kind of fault from firing. */
const SEEDS_THAT_FIRE_ALL = 150;
/** Every so many seeds, one is played twice to see that it goes the same way (SM1). */
const TWICE_EVERY = 25;
const VIOLATIONS_SHOWN_MAX = 8;

const ENDS = ['completed', 'stopped', 'failed'];
const ANSWERS = ['accepted', 'dropped', 'BACKLOG_FULL', 'PAYLOAD_INVALID', 'RUN_NOT_ACTIVE', 'STORAGE_FULL'];

const everything: Changes = () => ({ keep: 'everything' });

type Tally = {
  seeds: number;
  deliveries: number;
  crashes: number;
  fired: Record<string, number>;
  /** What runs ended as, and what pushed requests were answered. */
  ended: Record<string, number>;
  answered: Record<string, number>;
  startedMs: number;
};

export function explore(shard: number): void {
  const single = process.env.MILLRACE_SEED;
  if (single !== undefined) {
    exploreOne(Number(single), shard);
    return;
  }
  const total = Number(process.env.MILLRACE_SEEDS ?? SEEDS_DEFAULT);
  const seeds = Array.from({ length: total }, (_, index) => index + 1).filter(
    (seed) => seed % SHARDS === shard,
  );
  const tally: Tally = {
    seeds: 0,
    deliveries: 0,
    crashes: 0,
    fired: {},
    ended: {},
    answered: {},
    startedMs: performance.now(),
  };
  describe(`seeds 1 to ${total}, shard ${shard + 1} of ${SHARDS}`, () => {
    for (let from = 0; from < seeds.length; from += SEEDS_PER_TEST) {
      const chunk = seeds.slice(from, from + SEEDS_PER_TEST);
      it(`[SM3] [DL1] [DL7] [CG2] [TR2] keeps every rule: seeds ${chunk[0]} to ${chunk.at(-1)}`, () => {
        for (const seed of chunk) judge(seed, tally);
      });
    }
    it('[SM2] has had every kind of fault fire', () => {
      console.log(reportOf(tally));
      const silent = [...FAULT_KINDS, ...DRIVER_FAULT_KINDS].filter((kind) => !tally.fired[kind]);
      if (tally.seeds >= SEEDS_THAT_FIRE_ALL) expect(silent).toEqual([]);
      else expect(tally.seeds).toBe(seeds.length);
    });
    it('[SM3] [RN2] [TP6] has had runs end in every way, and pushed requests answered in every way', () => {
      if (tally.seeds < SEEDS_THAT_FIRE_ALL) return expect(tally.seeds).toBe(seeds.length);
      expect(ENDS.filter((status) => !tally.ended[status])).toEqual([]);
      expect(ANSWERS.filter((answer) => !tally.answered[answer])).toEqual([]);
    });
  });
}

function judge(seed: number, tally: Tally): void {
  const twice = seed % TWICE_EVERY === 0;
  const { run, violations } = playSeed(seed, twice ? everything : undefined);
  tally.seeds++;
  tally.deliveries += run.deliveries;
  tally.crashes += run.crashes;
  for (const [kind, times] of Object.entries(run.fired)) add(tally.fired, kind, times);
  add(tally.ended, run.statuses.at(-1)?.status ?? 'never', 1);
  for (const reply of run.replies)
    add(tally.answered, reply.ok ? (reply.dropped > 0 ? 'dropped' : 'accepted') : reply.error.code, 1);
  expect(violations.slice(0, VIOLATIONS_SHOWN_MAX), `play it again with --seed ${seed}`).toEqual([]);
  if (twice) expect(playSeed(seed, everything).run.digest, `--seed ${seed}, a second time`).toBe(run.digest);
}

function add(counts: Record<string, number>, what: string, times: number): void {
  counts[what] = (counts[what] ?? 0) + times;
}

/** One seed with all that is known of it. */
function exploreOne(seed: number, shard: number): void {
  describe(`seed ${seed}`, () => {
    it.runIf(seed % SHARDS === shard)(`[SM1] [SM3] keeps every rule, the same way twice`, () => {
      const { scenario, run, violations } = playSeed(seed, everything);
      const { document, faultPlan, commands } = scenario;
      const nodes = document.nodes.map(
        ({ id, kind, config }) => `  ${id} (${kind}) ${JSON.stringify(config)}`,
      );
      const edges = document.edges.map(({ id, source, target }) => `  ${id}: ${source} > ${target}`);
      const faults = faultPlan.map((fault) => `  ${JSON.stringify(fault)}`);
      const asked = commands.map((command) => `  ${JSON.stringify(command)}`);
      console.log(
        [
          `seed ${seed}`,
          ...nodes,
          ...edges,
          'faults',
          ...faults,
          'commands',
          ...asked,
          `fired ${firedText(run.fired)}`,
        ].join('\n'),
      );
      expect(violations).toEqual([]);
      expect(playSeed(seed, everything).run.digest).toBe(run.digest);
    });
  });
}

function reportOf({ seeds, deliveries, crashes, fired, ended, answered, startedMs }: Tally): string {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  return `${seeds} seeds, ${deliveries} virtual deliveries, ${crashes} crashes of the process, in ${seconds} s; fired: ${firedText(fired)}; ended: ${firedText(ended)}; pushed: ${firedText(answered)}`;
}

function firedText(fired: Record<string, number>): string {
  return Object.entries(fired)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, times]) => `${kind} ${times}`)
    .join(', ');
}
