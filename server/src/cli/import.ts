import { writeDocument } from '@millrace/shared/flow/serialize.ts';
import { Command } from 'commander';
import { DEFAULT_HOST, DEFAULT_PORT } from '../config/environment.ts';
import { EXIT_USAGE, fail } from './exit.ts';
import { readFlowFile } from './flowFile.ts';

type ImportOptions = { server: string; keepId?: boolean };

export function importCommand(): Command {
  return new Command('import')
    .description('Bring a flow into a running workbench.')
    .argument('<flow>', 'a *.flow.json or *.flow.yaml file')
    .option('--server <address>', 'where the workbench is', `http://${DEFAULT_HOST}:${DEFAULT_PORT}`)
    .option('--keep-id', 'refuse when a flow with the same id is there, instead of giving it a new one')
    .addHelpText('after', '\nExample:\n  millrace import orders.flow.yaml --server http://127.0.0.1:4200')
    .action(importFlow);
}

async function importFlow(path: string, options: ImportOptions): Promise<void> {
  const body = fileText(path);
  const address = new URL(`/api/flows/import?keepId=${options.keepId ?? false}`, options.server);
  const response = await fetch(address, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  }).catch(() =>
    fail(new Error(`No workbench answers at ${options.server}. Start one with: millrace serve`)),
  );
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) fail(new Error(`The workbench refused ${path}: ${messageOf(answer)}`));
  process.stdout.write(`Imported as ${idOf(answer)}; open ${options.server}\n`);
}

function fileText(path: string): string {
  try {
    return writeDocument(readFlowFile(path).document, 'json');
  } catch (thrown) {
    return fail(thrown, EXIT_USAGE);
  }
}

function messageOf(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'message' in answer
    ? String(answer.message)
    : 'no reason given';
}

function idOf(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'id' in answer ? String(answer.id) : 'a flow';
}
