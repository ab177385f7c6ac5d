import { LineCounter, parseDocument, stringify } from 'yaml';
import { WorkbenchError } from '../errors/workbenchError.ts';

/** Aliases expand; more than this many is an attempt to blow up memory, not a flow. */
const ALIASES_MAX = 100;

/** The value of one YAML 1.2 text. Throws FLOW_UNREADABLE with line and column. */
export function parseYaml(text: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'silent' });
  const fault = document.errors[0];
  if (fault) {
    const { line, col } = lineCounter.linePos(fault.pos[0]);
    throw unreadableYaml(fault.message, line, col);
  }
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    throw unreadableYaml(error instanceof Error ? error.message : String(error), 1, 1);
  }
}

function unreadableYaml(reason: string, line: number, column: number): WorkbenchError {
  return new WorkbenchError(
    'FLOW_UNREADABLE',
    `This is not readable YAML: line ${line}, column ${column}: ${reason.replace(/\.$/, '')}.`,
    {
      details: { format: 'yaml', line, column, reason },
    },
  );
}

/** The same value always gives the same text: no line folding, code as literal blocks, no anchors. */
export function writeYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, blockQuote: 'literal', aliasDuplicateObjects: false });
}
