import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import {
  type ActiveFault,
  FAULT_KINDS,
  FAULT_PLACES,
  FAULT_TITLES,
  type FaultKind,
  type FaultSpec,
} from '@millrace/shared/faults/fault.ts';
import { Command } from 'commander';
import { formatDuration, parseDuration } from './duration.ts';
import { EXIT_OK, fail } from './exit.ts';
import { namesOf, type RunNames } from './runNames.ts';
import { connectServer, findRun, withServerOption } from './serverClient.ts';

type InjectOptions = {
  server?: string;
  node?: string;
  edge?: string;
  instance?: string;
  partition?: string;
  rate: string;
  by: string;
  for?: string;
  json?: boolean;
};

const RUN = 'id of a run, or id or name of a flow: then its active run';

export function faultCommand(): Command {
  const command = new Command('fault').description('Break a live run on purpose, and heal it.');
  command.addCommand(injectCommand());
  command.addCommand(healCommand());
  command.addCommand(listCommand());
  return command;
}

function injectCommand(): Command {
  return withServerOption(new Command('inject'))
    .description('Let something go wrong until it is healed.')
    .argument('<run>', RUN)
    .argument('<kind>', FAULT_KINDS.join(', '))
    .option('--node <node>', 'a consumer, or a topic: id or name')
    .option('--edge <edge>', 'an edge: id, or its ends as "Orders->Charge"')
    .option('--instance <number>', 'only this instance of the consumer')
    .option('--partition <number>', 'only this partition')
    .option('--rate <share>', 'share of the messages it meets, 0 to 1', '1')
    .option('--by <duration>', 'how much later, for slow and delay', '500ms')
    .option('--for <duration>', 'heals by itself after so long')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  millrace fault inject Orders crash --node Charge --instance 1 --for 10s
  millrace fault inject Orders fail --node Charge --rate 0.3
  millrace fault inject Orders duplicate --edge "Shop->orders"

Exit codes: 0 injected, 1 refused.`,
    )
    .action(inject);
}

async function inject(wanted: string, kind: string, options: InjectOptions): Promise<void> {
  try {
    const client = connectServer(options.server);
    const run = await findRun(client, wanted);
    const fault = specOf(await namesOf(client, run), kindOf(kind), options);
    const { faultId } = await client.ask('run.injectFault', { runId: run.id, fault });
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ runId: run.id, faultId, fault }, null, 2)}\n`
        : `${FAULT_TITLES[fault.kind]}: ${faultId} is on. Heal it with: millrace fault heal ${run.id} ${faultId}\n`,
    );
    process.exitCode = EXIT_OK;
  } catch (thrown) {
    fail(thrown);
  }
}

function kindOf(text: string): FaultKind {
  const kind = FAULT_KINDS.find((candidate) => candidate === text);
  if (kind) return kind;
  throw wrong(`There is no fault ${text}; there are: ${FAULT_KINDS.join(', ')}.`);
}

function specOf(names: RunNames, kind: FaultKind, options: InjectOptions): FaultSpec {
  const { node, edge, instance, partition } = options;
  const needsEdge = FAULT_PLACES[kind].startsWith('edge');
  if (needsEdge && edge === undefined) throw wrong(`${kind} is a fault of an edge: say which with --edge.`);
  if (!needsEdge && node === undefined) throw wrong(`${kind} is a fault of a node: say which with --node.`);
  const rate = Number(options.rate);
  if (!(rate >= 0 && rate <= 1)) throw wrong('--rate is a number from 0 to 1.');
  return {
    kind,
    target: {
      ...(needsEdge || node === undefined ? {} : { nodeId: names.node(node).id }),
      ...(needsEdge && edge !== undefined ? { edgeId: names.edge(edge).id } : {}),
      ...(instance === undefined ? {} : { instance: wholeNumber('--instance', instance) }),
      ...(partition === undefined ? {} : { partition: wholeNumber('--partition', partition) }),
    },
    rate,
    delayMs: duration('--by', options.by),
    durationMs: options.for === undefined ? null : duration('--for', options.for),
  };
}

function healCommand(): Command {
  return withServerOption(new Command('heal'))
    .description('End one fault of a run, or all of them.')
    .argument('<run>', RUN)
    .argument('[fault]', 'id of a fault; all when left out')
    .action(async (wanted: string, faultId: string | undefined, { server }: { server?: string }) => {
      try {
        const client = connectServer(server);
        const { id: runId } = await findRun(client, wanted);
        const { healed } = await client.ask('run.healFault', { runId, faultId: faultId ?? null });
        process.stdout.write(`${healed} ${healed === 1 ? 'fault' : 'faults'} healed.\n`);
        process.exitCode = EXIT_OK;
      } catch (thrown) {
        fail(thrown);
      }
    });
}

function listCommand(): Command {
  return withServerOption(new Command('list'))
    .description('Show the faults that are on, and how often each has fired.')
    .argument('<run>', RUN)
    .option('--json', 'print one JSON object')
    .action(async (wanted: string, { server, json }: { server?: string; json?: boolean }) => {
      try {
        const client = connectServer(server);
        const run = await findRun(client, wanted);
        const { metrics } = await client.run(run.id);
        const faults = metrics?.faults ?? [];
        const names = await namesOf(client, run);
        process.stdout.write(
          json ? `${JSON.stringify({ runId: run.id, faults }, null, 2)}\n` : textOf(faults, names),
        );
        process.exitCode = EXIT_OK;
      } catch (thrown) {
        fail(thrown);
      }
    });
}

function textOf(faults: ActiveFault[], names: RunNames): string {
  if (faults.length === 0) return 'No fault is on.\n';
  return faults
    .map(({ id, spec, fired, endsMs, startedMs }) => {
      const where = names.nameOf(spec.target.edgeId ?? spec.target.nodeId ?? '');
      const until = endsMs === null ? 'until it is healed' : `for ${formatDuration(endsMs - startedMs)}`;
      const times = fired === 0 ? 'has not fired yet' : `has fired ${fired} times`;
      return `${id}  ${FAULT_TITLES[spec.kind]} on ${where}, ${until}, ${times}\n`;
    })
    .join('');
}

export function wholeNumber(option: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw wrong(`${option} is a whole number, counted from 0.`);
}

function duration(option: string, text: string): number {
  const parsed = parseDuration(text);
  if (parsed !== null) return parsed;
  throw wrong(`${option} is a duration such as 500ms, 30s or 2m.`);
}

function wrong(message: string): WorkbenchError {
  return new WorkbenchError('REQUEST_INVALID', message);
}
