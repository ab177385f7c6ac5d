import { writeFileSync } from 'node:fs';
import { EXPORT_FORMATS, type ExportFormat, exportFormat } from '@millrace/shared/exchange/formats.ts';
import { Command, InvalidArgumentError } from 'commander';
import { EXIT_USAGE, fail } from './exit.ts';
import { readFlowFile } from './flowFile.ts';

type ExportOptions = { to: ExportFormat; output?: string };

const FORMATS = EXPORT_FORMATS.map(({ id }) => id).join(', ');

export function exportCommand(): Command {
  return new Command('export')
    .description('Write a flow in another format.')
    .argument('<flow>', 'a *.flow.json or *.flow.yaml file')
    .requiredOption('--to <format>', `one of ${FORMATS}`, parseFormat)
    .option('--output <file>', 'where to write it; stdout without')
    .addHelpText(
      'after',
      '\nExamples:\n  millrace export orders.flow.json --to mermaid\n  millrace export orders.flow.json --to svg --output orders.svg',
    )
    .action(exportFlow);
}

function exportFlow(path: string, { to, output }: ExportOptions): void {
  try {
    const text = to.write(readFlowFile(path).document);
    if (output === undefined) process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    else writeFileSync(output, text);
  } catch (thrown) {
    fail(thrown, EXIT_USAGE);
  }
}

function parseFormat(id: string): ExportFormat {
  const format = exportFormat(id);
  if (!format) throw new InvalidArgumentError(`There are ${FORMATS}.`);
  return format;
}
