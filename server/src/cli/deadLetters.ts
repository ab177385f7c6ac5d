import type { DeadLetterTopic } from '@millrace/shared/protocol/entities.ts';
import { isoTime } from '@millrace/shared/time/isoTime.ts';
import { Command } from 'commander';
import { fail } from './exit.ts';
import { connectServer, findRun, withServerOption } from './serverClient.ts';

type Options = { server?: string; json?: boolean };

export function deadLettersCommand(): Command {
  return withServerOption(new Command('dead-letters'))
    .description('Say why messages of a run were given up, grouped by cause.')
    .argument('<run>', 'id of a run, or id or name of a flow: then its active or newest run')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  millrace dead-letters Orders\n  millrace dead-letters Orders --json',
    )
    .action(deadLetters);
}

async function deadLetters(wanted: string, { server, json }: Options): Promise<void> {
  try {
    const client = connectServer(server);
    const run = await findRun(client, wanted);
    const answer = await client.ask('deadLetters.causes', { runId: run.id, topicId: null });
    process.stdout.write(
      json
        ? `${JSON.stringify({ runId: run.id, ...answer }, null, 2)}\n`
        : textOf(answer.topics, answer.truncated),
    );
  } catch (thrown) {
    fail(thrown);
  }
}

function textOf(topics: DeadLetterTopic[], truncated: number): string {
  if (topics.length === 0) return 'No dead letters.\n';
  const lines = topics.flatMap(({ name, total, causes }) => [
    `${name}: ${total}`,
    ...causes.flatMap(({ cause, error, count, redriven, lastMs }) => [
      `  ${count}, ${redriven} sent back, last ${isoTime(lastMs)}`,
      `    cause: ${cause}`,
      `    ${error.split('\n', 1)[0] ?? ''}`,
    ]),
  ]);
  if (truncated > 0) lines.push(`${truncated} older ones were not looked at.`);
  return `${lines.join('\n')}\n`;
}
