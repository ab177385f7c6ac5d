import { isFinalRunStatus, type MetricsSnapshot } from '@millrace/shared/trace/metrics.ts';
import { createRandom, type Random } from '@millrace/shared/util/random.ts';
import { type Client, connectClient } from '../support/client.ts';
import { type Product, startProduct, temporaryFolder } from '../support/product.ts';
import { runFlow, runFolder, summaryOf, untilStatus, watchOnce } from '../support/runs.ts';
import { until } from '../support/until.ts';
import { crashFlow } from './crashFlow.ts';
import { type Load, startLoad } from './load.ts';
import { dealPhases, MOMENTS, PHASES, type Phase, redriveAll } from './moments.ts';
import { type Verdict, verdictOn } from './verdict.ts';
import { kill, leavesServer, VICTIMS, type Victim } from './victims.ts';

export type CrashTestOptions = {
  kills: number;
  seed: number;
  /** Hears of every kill. */
  say(line: string): void;
};

export type CrashReport = Verdict & {
  seed: number;
  durationMs: number;
  byPhase: Record<Phase, number>;
  byVictim: Record<Victim, number>;
  acknowledged: number;
  resent: number;
  /** Kept when something was found, for a look at what is on disk. */
  folder: string;
  remove(): Promise<void>;
};

/** What a machine takes that has other things to do: it is where the kills fall that counts. */
const RATE_PER_SECOND = 60;
const SENDERS = 3;
const PHASE_MS_MAX = 15_000;
const PROGRESS_MS_MAX = 40_000;
const CATCH_UP_MS_MAX = 300_000;
/** So little is handed on well within the time that stopping takes for it (RN3). */
const LAG_BEFORE_STOP_MAX = 300;

/**
 * Kills a working server again and again at moments drawn from the seed, lets it come back each time, and then holds what
 * is on disk against what its producers were told. Everything is seen from outside, as a user's programs would see it.
 */
export async function runCrashTest(options: CrashTestOptions): Promise<CrashReport> {
  const startedAt = performance.now();
  const { folder, remove } = await temporaryFolder('crash');
  const test = new CrashTest(folder, options);
  try {
    await test.start();
    for (let index = 0; index < options.kills; index++) await test.killOnce(index);
    const verdict = await test.finish();
    const durationMs = performance.now() - startedAt;
    return { ...verdict, ...test.counts(), seed: options.seed, durationMs, folder, remove };
  } catch (thrown) {
    options.say(`what was left is in ${folder}`);
    throw thrown;
  } finally {
    await test.close();
  }
}

class CrashTest {
  readonly #folder: string;
  readonly #options: CrashTestOptions;
  readonly #random: Random;
  readonly #nextPhase: () => Phase;
  readonly #byPhase = Object.fromEntries(PHASES.map((phase) => [phase, 0])) as Record<Phase, number>;
  readonly #byVictim = Object.fromEntries(VICTIMS.map((victim) => [victim, 0])) as Record<Victim, number>;
  readonly #load: Load = startLoad(SENDERS);
  #product: Product | null = null;
  #client: Client | null = null;
  #runId = '';

  constructor(folder: string, options: CrashTestOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.#nextPhase = dealPhases(this.#random);
  }

  async start(): Promise<void> {
    const { client } = await this.#startServer();
    const run = await runFlow(client, crashFlow(RATE_PER_SECOND));
    this.#runId = run.id;
    await this.#progress('the first messages');
  }

  async killOnce(index: number): Promise<void> {
    const { kills, say } = this.#options;
    const { product, client } = await this.#connected();
    const phase = this.#nextPhase();
    const victim = VICTIMS[this.#random.int(VICTIMS.length)] as Victim;
    if (phase !== 'recovery')
      await this.#progress(`messages to be acknowledged again before kill ${index + 1}`);

    const scene = {
      client,
      runId: this.#runId,
      runFolder: runFolder(this.#folder, this.#runId),
      serverPid: product.pid,
      random: this.#random,
    };
    const seen = await MOMENTS[phase](scene, AbortSignal.timeout(PHASE_MS_MAX));
    if (!seen) throw new Error(`waited ${PHASE_MS_MAX} ms for a moment of ${phase}`);
    if (!leavesServer(victim)) this.#disconnect();
    // Nobody there to kill, on the way up: then the server dies.
    const killed = (await kill(victim, product)) ? victim : 'server';
    if (killed !== victim) {
      this.#disconnect();
      await kill(killed, product);
    }
    if (!leavesServer(killed)) this.#product = null;
    this.#byPhase[phase]++;
    this.#byVictim[killed]++;
    const acknowledged = this.#load.acknowledged.size;
    say(`kill ${index + 1} of ${kills}: ${killed}, phase ${phase}; ${acknowledged} acknowledged so far`);
  }

  async finish(): Promise<Verdict> {
    const { client } = await this.#connected();
    await this.#progress('messages to be acknowledged after the last kill');
    await this.#load.cure();
    await this.#load.finish();
    await this.#redriveTheLast(client);
    await this.#caughtUp(client);
    await client.request('run.stop', { runId: this.#runId });
    const { counters } = await untilStatus(client, this.#runId, 'stopped');
    return verdictOn({
      url: (this.#product as Product).url,
      dataFolder: this.#folder,
      runId: this.#runId,
      counters,
      acknowledged: this.#load.acknowledged,
    });
  }

  /** Until one finds nothing to send back: what the one before was past already may have come since. */
  async #redriveTheLast(client: Client): Promise<void> {
    for (let sentBack = 1; sentBack > 0; ) {
      await this.#caughtUp(client);
      const { id } = await redriveAll(client, this.#runId);
      const done = await until(
        'the redrive to be done',
        async () => {
          const { metrics } = await watchOnce(client, this.#runId);
          return metrics?.redrives.find((job) => job.id === id && job.status === 'done');
        },
        CATCH_UP_MS_MAX,
      );
      sentBack = done.counts.redriven;
    }
  }

  async #caughtUp(client: Client): Promise<void> {
    await until(
      'the consumers to have caught up',
      async () => {
        const { metrics } = await watchOnce(client, this.#runId);
        if (metrics && lagOf(metrics) < LAG_BEFORE_STOP_MAX) return true;
        throw new Error(behindOf(metrics));
      },
      CATCH_UP_MS_MAX,
    );
  }

  counts(): Pick<CrashReport, 'byPhase' | 'byVictim' | 'acknowledged' | 'resent'> {
    const { acknowledged, resent } = this.#load;
    return {
      byPhase: this.#byPhase,
      byVictim: this.#byVictim,
      acknowledged: acknowledged.size,
      resent,
    };
  }

  async close(): Promise<void> {
    this.#disconnect();
    await this.#product?.kill();
  }

  async #startServer(): Promise<{ product: Product; client: Client }> {
    const product = await startProduct({ dataFolder: this.#folder });
    this.#product = product;
    const client = await connectClient(product.url);
    this.#client = client;
    this.#load.pointAt(product.url);
    return { product, client };
  }

  async #connected(): Promise<{ product: Product; client: Client }> {
    return this.#product && this.#client
      ? { product: this.#product, client: this.#client }
      : this.#startServer();
  }

  #disconnect(): void {
    this.#load.pointAt(null);
    this.#client?.close();
    this.#client = null;
  }

  /** The run is back when it acknowledges what was sent to it since; one that has ended will not. */
  async #progress(what: string): Promise<void> {
    // Each sender may hear of one that was taken before the kill.
    const before = this.#load.acknowledged.size + SENDERS;
    const ended = await until(
      what,
      async () => {
        if (this.#load.acknowledged.size > before) return 'back';
        const run = this.#client ? await summaryOf(this.#client, this.#runId) : undefined;
        return run && isFinalRunStatus(run.status) ? run : null;
      },
      PROGRESS_MS_MAX,
    );
    if (ended !== 'back')
      throw new Error(`the run is ${ended.status}: ${ended.error?.message ?? 'no reason given'}`);
  }
}

function lagOf({ subscriptions }: MetricsSnapshot): number {
  return Object.values(subscriptions).reduce((sum, { lag }) => sum + lag, 0);
}

/** Who is behind, and what everybody says of himself: for whoever has to find out why. */
function behindOf(metrics: MetricsSnapshot | null): string {
  if (!metrics) return 'the run has told nothing yet';
  const lags = Object.entries(metrics.subscriptions).map(([edge, { lag }]) => `${edge} ${lag}`);
  const reasons = Object.entries(metrics.conditions).flatMap(([node, { state, reason }]) =>
    reason === undefined ? [] : [`${node} ${state}: ${reason}`],
  );
  return `messages behind: ${lags.join(', ')}; ${reasons.join('; ')}`;
}
