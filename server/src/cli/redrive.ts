import { setTimeout as delay } from 'node:timers/promises';
import type { RedriveProgress, RedriveSelection } from '@millrace/shared/deadLetters/redrive.ts';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { DeadLetterTopic } from '@millrace/shared/protocol/entities.ts';
import { isFinalRunStatus } from '@millrace/shared/trace/metrics.ts';
import { Command } from 'commander';
import { EXIT_FAILED, EXIT_OK, fail } from './exit.ts';
import { connectServer, findRun, type ServerClient, withServerOption } from './serverClient.ts';

type Options = {
  server?: string;
  topic?: string;
  cause?: string[];
  code?: string;
  key?: string;
  dryRun?: boolean;
  cancel?: string;
  resume?: string;
  json?: boolean;
};

const POLL_MS = 200;

export function redriveCommand(): Command {
  return withServerOption(new Command('redrive'))
    .description('Send dead letters of a live run back to where they failed.')
    .argument('<run>', 'id of a run, or id or name of a flow: then its active run')
    .option('--topic <topic>', 'id or name of the topic of dead letters; not needed when there is only one')
    .option(
      '--cause <text>',
      'only those of this cause: the cause, or a part of it that no other has; may be given more than once',
      collect,
    )
    .option('--code <code>', 'only those that failed with this error code')
    .option('--key <key>', 'only those with this key')
    .option('--dry-run', 'only say what would happen')
    .option('--cancel <redrive>', 'stop a redrive that is under way; what was sent back stays so')
    .option('--resume <redrive>', 'go on with one that was cancelled')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
It waits until all is done. Interrupted, it leaves the redrive to the server, which goes on with it.

Examples:
  millrace redrive Orders --dry-run
  millrace redrive Orders --topic "Charge.dead-letters" --cause "no price for"
  millrace redrive Orders --cancel redrive:3

Exit codes: 0 done, 1 refused, cancelled or cut short.`,
    )
    .action(redrive);
}

async function redrive(wanted: string, options: Options): Promise<void> {
  try {
    const client = connectServer(options.server);
    const { id: runId } = await findRun(client, wanted);
    const progress = await perform(client, runId, options);
    process.stdout.write(
      options.json ? `${JSON.stringify({ runId, ...progress }, null, 2)}\n` : textOf(progress, options),
    );
    const isAsked = options.cancel !== undefined || progress.status === 'done';
    process.exitCode = isAsked ? EXIT_OK : EXIT_FAILED;
  } catch (thrown) {
    fail(thrown);
  }
}

async function perform(client: ServerClient, runId: string, options: Options): Promise<RedriveProgress> {
  const { cancel, resume, dryRun = false } = options;
  if (cancel !== undefined) return client.ask('run.cancelRedrive', { runId, redriveId: cancel });
  if (resume !== undefined)
    return whenOver(client, runId, await client.ask('run.resumeRedrive', { runId, redriveId: resume }));
  const { topics } = await client.ask('deadLetters.causes', { runId, topicId: null });
  const topic = chooseTopic(topics, options.topic);
  const selection = selectionOf(topic, options);
  const begun = await client.ask('run.redrive', {
    runId,
    parts: [{ topicId: topic.topicId, selection }],
    dryRun,
  });
  return dryRun ? begun : whenOver(client, runId, begun);
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function chooseTopic(topics: DeadLetterTopic[], wanted: string | undefined): DeadLetterTopic {
  const fitting =
    wanted === undefined
      ? topics
      : topics.filter(({ topicId, name }) => topicId === wanted || name === wanted);
  const [only, ...others] = fitting;
  if (only && others.length === 0) return only;
  const names = topics.map(({ name }) => name).join(', ');
  const message =
    topics.length === 0
      ? 'This run has no dead letters.'
      : wanted === undefined
        ? `Say which with --topic; there are dead letters in ${names}.`
        : `There are no dead letters in ${wanted}, only in ${names}.`;
  throw new WorkbenchError('TOPIC_NOT_FOUND', message);
}

function selectionOf(topic: DeadLetterTopic, { cause, code, key }: Options): RedriveSelection {
  return {
    ...(cause === undefined ? {} : { causes: cause.map((wanted) => wholeCause(topic, wanted)) }),
    ...(code === undefined ? {} : { errorCode: code }),
    ...(key === undefined ? {} : { key }),
  };
}

function wholeCause({ causes, name }: DeadLetterTopic, wanted: string): string {
  const exact = causes.find(({ cause }) => cause === wanted);
  const [only, ...others] = exact
    ? [exact]
    : causes.filter(({ cause, error }) => cause.includes(wanted) || error.includes(wanted));
  if (only && others.length === 0) return only.cause;
  throw new WorkbenchError(
    'REQUEST_INVALID',
    `${others.length === 0 ? 'No' : 'More than one'} cause in ${name} has "${wanted}" in it; millrace dead-letters lists them.`,
  );
}

/** Follows the redrive until it is over, or its run is. */
async function whenOver(
  client: ServerClient,
  runId: string,
  begun: RedriveProgress,
): Promise<RedriveProgress> {
  let progress = begun;
  while (progress.status === 'running') {
    await delay(POLL_MS);
    const { run, metrics } = await client.run(runId);
    progress = metrics?.redrives.find(({ id }) => id === begun.id) ?? progress;
    if (isFinalRunStatus(run.status)) break;
  }
  return progress;
}

function textOf({ id, status, counts, total }: RedriveProgress, { dryRun }: Options): string {
  const { looked, redriven, passed, already, guarded, homeless } = counts;
  const head = dryRun ? 'Would be sent back' : `${id} is ${status}; sent back`;
  const rest = [
    [passed, 'not selected'],
    [already, 'sent back before'],
    [guarded, 'sent back too often'],
    [homeless, 'without a place to go to'],
  ] as const;
  const others = rest.filter(([count]) => count > 0).map(([count, what]) => `, ${count} ${what}`);
  return `${head}: ${redriven} of ${total} (${looked} looked at${others.join('')}).\n`;
}
