import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { PAYLOAD_BYTES } from '../flows.ts';
import { type Figures, tableOf } from './figures.ts';
import { judgeTargets, verdictOf } from './targets.ts';

const BYTES_PER_GB = 2 ** 30;
const productVersion = (): string =>
  (JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;

function machine(): string {
  const all = cpus();
  const memory = `${(totalmem() / BYTES_PER_GB).toFixed(0)} GB`;
  return `${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}, ${memory}, ${type()} ${release()}`;
}

function versions(): string {
  return `Millrace ${productVersion()}, Node ${process.version}, SQLite ${process.versions.sqlite ?? 'unknown'}`;
}

/** What a person reads in the terminal. */
export function tableText(figures: Figures, notes: readonly string[]): string {
  const rows = tableOf(figures.all);
  const width = Math.max(...rows.map(({ name }) => name.length));
  const valueWidth = Math.max(...rows.map(({ value }) => value.length));
  const targets = judgeTargets(figures);
  const titleWidth = Math.max(...targets.map(({ title }) => title.length));
  return [
    machine(),
    versions(),
    '',
    ...rows.map(({ name, value, compared }) =>
      `${name.padEnd(width)}  ${value.padStart(valueWidth)}  ${compared}`.trimEnd(),
    ),
    '',
    ...targets.map(
      (target) =>
        `${target.title.padEnd(titleWidth)}  ${target.wanted.padEnd(24)}  ${target.measured.padEnd(22)}  ${verdictOf(target)}`,
    ),
    '',
    ...notes,
  ].join('\n');
}

/** Where the part of the page begins that people write: why a target is missed, what was odd. */
const REMARKS = '## Remarks';

/** `docs/benchmarks.md`: one dated result. Remarks of the page before stay, for somebody to go over. */
export function markdownOf(figures: Figures, notes: readonly string[], before: string): string {
  const remarksAt = before.indexOf(REMARKS);
  const remarks = remarksAt < 0 ? `${REMARKS}\n` : before.slice(remarksAt);
  const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;
  return `# Benchmarks

\`pnpm bench engine\` measures the engine beside what people use today, all in one run and taking turns, so that a slow moment of
the machine meets everybody; each figure is the median of its rounds. \`--long\` asks for the sizes the targets speak of, and
\`--markdown docs/benchmarks.md\` writes this page. What is not installed (\`nats-server\`, \`redis-server\`) is left out and said.
On another machine only the ratios mean something.

Measured on ${new Date().toISOString().slice(0, 10)} with ${versions()}, on ${machine()}.

## Targets

${row('target', 'wanted', 'measured', '')}
${row('---', '---', '---', '---')}
${judgeTargets(figures)
  .map((target) => row(target.title, target.wanted, target.measured, verdictOf(target)))
  .join('\n')}

## Figures

${row('figure', 'value', 'compared')}
${row('---', '---:', '---')}
${tableOf(figures.all)
  .map(({ name, value, compared }) => row(name, value, compared))
  .join('\n')}

## What was promised meanwhile

Messages have ${PAYLOAD_BYTES} bytes. Three stages are: produce, handle, handle, write to a file; each arrow between them is a topic (a
stream, a wire). Handlers parse, add a field and pass on.

${notes.map((note) => `- ${note}`).join('\n')}

## What the figures are

- **three stages**: messages a second from the first production to the last line of the sink, without start-up.
- **latency**: from the production of a message to its durable line in the sink, three hops later, at a third of that rate.
- **memory**: of the process of the run, after a collection, while it runs at full rate.
- **recovery**: opening the log that a killed run left, up to a run that is ready; the process of the handlers, which does not
  depend on the log, is started before.
- **handlers in a row**: a chain of so many handlers, each with a topic behind it.
- **simulator**: a flow of 20 nodes with native handlers under virtual time.

${remarks.trimEnd()}
`;
}
