import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { ErrorData } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { isFinalRunStatus, type MetricsSnapshot, type RunStatus } from '@millrace/shared/trace/metrics.ts';
import { Command, InvalidArgumentError } from 'commander';
import { SAMPLE_DATA_FOLDER } from '../config/product.ts';
import { createSupervisor } from '../live/supervisor.ts';
import { parseDuration } from './duration.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, fail } from './exit.ts';
import { readFlowFile } from './flowFile.ts';
import { refuseFaulty } from './problems.ts';
import { createProgress } from './progress.ts';
import { type RunOutcome, type RunReport, reportOf, reportText } from './runReport.ts';

type RunOptions = {
  json?: boolean;
  until: number | 'drained';
  seed?: number;
  fullSpeed?: boolean;
  out?: string;
  keep?: string;
  logs?: boolean;
};

const RUN_ID = 'run:cli';
const SEED_MAX = 4_294_967_295;

export function runCommand(): Command {
  return new Command('run')
    .description('Run a flow without a browser and report what became of its messages.')
    .argument('<flow>', 'a *.flow.json or *.flow.yaml file')
    .option(
      '--until <when>',
      'drained (the default): until nothing is left to do; or a time such as 30s, 5m',
      parseUntil,
      'drained' as const,
    )
    .option('--json', 'print one JSON object')
    .option('--seed <number>', 'seed of generated payloads, instead of the one of the flow', parseSeed)
    .option('--full-speed', 'replay files as fast as possible, whatever speed the flow says')
    .option('--out <folder>', 'where to put what the file sinks write')
    .option('--keep <folder>', 'keep the messages and traces of the run in this folder')
    .option('--logs', 'print log lines on stderr')
    .addHelpText(
      'after',
      `
Files to replay are looked for beside the flow, in the folder data beside it, and among the samples.
Ctrl-C stops the producers and lets what is under way finish.

Examples:
  millrace run samples/earthquakes.flow.json --full-speed --out results
  millrace run orders.flow.yaml --until 30s --json > report.json

Exit codes: 0 done, 1 the run failed, 2 bad usage or a flow that cannot run.`,
    )
    .action(run);
}

async function run(path: string, options: RunOptions): Promise<void> {
  const document = loadDocument(path, options);
  const folder =
    options.keep === undefined ? await mkdtemp(join(tmpdir(), 'millrace-run-')) : resolve(options.keep);
  try {
    const outcome = await execute(document, {
      folder,
      fileFolders: [dirname(resolve(path)), join(dirname(resolve(path)), 'data'), SAMPLE_DATA_FOLDER],
      untilMs: options.until === 'drained' ? null : options.until,
      printLogs: options.logs ?? false,
      collectFiles: (runFolder) => collectFiles(runFolder, options),
    });
    const report = reportOf(document, outcome);
    process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report));
    process.exitCode = report.status === 'failed' ? EXIT_FAILED : EXIT_OK;
  } catch (thrown) {
    fail(thrown);
  } finally {
    if (options.keep === undefined) await rm(folder, { recursive: true, force: true });
  }
}

function loadDocument(path: string, options: RunOptions): FlowDocument {
  try {
    const file = readFlowFile(path);
    refuseFaulty(file);
    const settings =
      options.seed === undefined ? file.document.settings : { ...file.document.settings, seed: options.seed };
    const nodes = options.fullSpeed ? file.document.nodes.map(atFullSpeed) : file.document.nodes;
    return { ...file.document, settings, nodes };
  } catch (thrown) {
    return fail(thrown, EXIT_USAGE);
  }
}

function atFullSpeed(node: FlowDocument['nodes'][number]): FlowDocument['nodes'][number] {
  return node.kind === 'replay' ? { ...node, config: { ...node.config, speed: { mode: 'full' } } } : node;
}

type Execution = {
  folder: string;
  fileFolders: string[];
  /** Null: until nothing is left to do. */
  untilMs: number | null;
  printLogs: boolean;
  collectFiles(runFolder: string): Promise<RunReport['files']>;
};

async function execute(document: FlowDocument, execution: Execution): Promise<RunOutcome> {
  const progress = createProgress(document);
  const startedMs = performance.now();
  let metrics: MetricsSnapshot | null = null;
  let restarts = 0;
  let finish: (end: { status: RunStatus; error: ErrorData | null }) => void = () => {};
  const over = new Promise<{ status: RunStatus; error: ErrorData | null }>((settle) => {
    finish = settle;
  });
  const supervisor = createSupervisor({
    runsFolder: execution.folder,
    fileFolders: execution.fileFolders,
    events: {
      status: (_runId, status, error) => {
        if (isFinalRunStatus(status)) finish({ status, error });
      },
      metrics: (_runId, heard) => {
        metrics = heard;
        progress.update(heard);
      },
      traceFrame: () => {},
      logs: (_runId, lines) => {
        if (!execution.printLogs) return;
        for (const line of lines)
          progress.say(`${line.level} ${nameOf(document, line.nodeId)}: ${line.message}`);
      },
      notice: (_runId, notice) => progress.say(`${notice.level}: ${notice.message}`),
      restarted: (_runId, count) => {
        restarts = count;
      },
    },
  });
  const stop = (): void => void supervisor.request(RUN_ID, { type: 'stop' }).catch(() => {});
  const interrupts = onInterrupt(() => {
    progress.say('stopping: producers first, then what is under way; press Ctrl-C again to give up');
    stop();
  });
  try {
    await supervisor.start({ runId: RUN_ID, document, paused: false, afterCrash: false });
    const timer = execution.untilMs === null ? null : setTimeout(stop, execution.untilMs);
    const { status, error } = await over;
    if (timer) clearTimeout(timer);
    const durationMs = performance.now() - startedMs;
    await supervisor.close();
    return {
      status,
      error,
      metrics,
      durationMs,
      restarts,
      files: await execution.collectFiles(supervisor.folderOf(RUN_ID)),
    };
  } finally {
    progress.end();
    interrupts.off();
    await supervisor.close();
  }
}

async function collectFiles(runFolder: string, { out, keep }: RunOptions): Promise<RunReport['files']> {
  const folder = join(runFolder, 'files');
  const names = (await readdir(folder).catch(() => [])).sort();
  if (out !== undefined) await mkdir(out, { recursive: true });
  return Promise.all(
    names.map(async (name) => {
      const from = join(folder, name);
      const { size: bytes } = await stat(from);
      if (out === undefined) return { name, bytes, path: keep === undefined ? null : from };
      await copyFile(from, join(out, name));
      return { name, bytes, path: join(out, name) };
    }),
  );
}

const INTERRUPTED = 130;

function onInterrupt(first: () => void): { off(): void } {
  let asked = false;
  const handler = (): void => {
    if (asked) process.exit(INTERRUPTED);
    asked = true;
    first();
  };
  process.on('SIGINT', handler);
  process.on('SIGTERM', handler);
  return {
    off: () => {
      process.off('SIGINT', handler);
      process.off('SIGTERM', handler);
    },
  };
}

function nameOf(document: FlowDocument, nodeId: string): string {
  return document.nodes.find((node) => node.id === nodeId)?.name ?? nodeId;
}

/** Not null for `drained`: commander takes a null from a parser for an option without a value. */
function parseUntil(text: string): number | 'drained' {
  if (text === 'drained') return text;
  const duration = parseDuration(text);
  if (duration === null) throw new InvalidArgumentError('Say drained, or a time such as 30s, 5m or 2h.');
  return duration;
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > SEED_MAX)
    throw new InvalidArgumentError(`A seed is a whole number up to ${SEED_MAX}.`);
  return seed;
}
