import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { Command } from 'commander';
import type { StartFrom } from '../engine/plan/plan.ts';
import { EXIT_OK, fail } from './exit.ts';
import { wholeNumber } from './fault.ts';
import { namesOf } from './runNames.ts';
import { connectServer, findRun, type ServerClient, withServerOption } from './serverClient.ts';

const RUN = 'id of a run, or id or name of a flow: then its active run';
const NODE = 'id or name of the consumer';

type Group = { client: ServerClient; runId: string; nodeId: string; name: string };

export function groupCommand(): Command {
  const command = new Command('group').description(
    'Pause, resume, scale or move a consumer group of a live run.',
  );
  command.addCommand(
    groupAction(
      'pause',
      'Hand nothing to it; what it has in hand is finished.',
      async ({ client, runId, nodeId, name }) => {
        await client.ask('run.pauseGroup', { runId, nodeId });
        return `${name} is paused.`;
      },
    ),
  );
  command.addCommand(
    groupAction('resume', 'Let it go on.', async ({ client, runId, nodeId, name }) => {
      await client.ask('run.resumeGroup', { runId, nodeId });
      return `${name} goes on.`;
    }),
  );
  command.addCommand(
    groupAction(
      'scale',
      'Let instances join or leave.',
      async ({ client, runId, nodeId, name }, wanted) => {
        const instances = wholeNumber('<instances>', wanted);
        await client.ask('run.scaleGroup', { runId, nodeId, instances });
        return `${name} has ${instances} ${instances === 1 ? 'instance' : 'instances'}.`;
      },
      '<instances>',
    ),
  );
  command.addCommand(
    groupAction(
      'seek',
      'Move it, while it is paused, to earliest, latest, an offset or a time (ISO 8601).',
      async ({ client, runId, nodeId, name }, wanted) => {
        const to = positionOf(wanted);
        const { moved } = await client.ask('run.seek', { runId, nodeId, topicId: null, partition: null, to });
        const lines = moved.map(({ partition, from, to: at }) => `  partition ${partition}: ${from} → ${at}`);
        return [`${name} was moved:`, ...lines].join('\n');
      },
      '<to>',
    ),
  );
  return command;
}

function groupAction(
  name: string,
  description: string,
  act: (group: Group, argument: string) => Promise<string>,
  argument?: string,
): Command {
  const command = withServerOption(new Command(name))
    .description(description)
    .argument('<run>', RUN)
    .argument('<node>', NODE);
  if (argument !== undefined) command.argument(argument);
  return command.action(async (run: string, node: string, ...rest: unknown[]) => {
    try {
      const [given, options] = argument === undefined ? ['', rest[0]] : [String(rest[0]), rest[1]];
      const client = connectServer((options as { server?: string }).server);
      const found = await findRun(client, run);
      const target = (await namesOf(client, found)).node(node);
      const group = { client, runId: found.id, nodeId: target.id, name: target.name };
      process.stdout.write(`${await act(group, given)}\n`);
      process.exitCode = EXIT_OK;
    } catch (thrown) {
      fail(thrown);
    }
  });
}

function positionOf(text: string): StartFrom {
  if (text === 'earliest' || text === 'latest') return { at: text };
  if (/^\d+$/.test(text)) return { at: 'offset', offset: Number(text) };
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs))
    throw new WorkbenchError(
      'REQUEST_INVALID',
      `${text} is neither earliest, latest, an offset nor a time such as 2026-01-31T12:00:00Z.`,
    );
  return { at: 'time', time: new Date(timeMs).toISOString() };
}
