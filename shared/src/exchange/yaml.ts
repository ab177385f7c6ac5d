import { Document, LineCounter, parseDocument, visit } from 'yaml';
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
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && scalar.value.includes('\n') && !fitsBlock(scalar.value)) {
        scalar.type = 'QUOTE_DOUBLE';
      }
    },
  });
  return document.toString({ lineWidth: 0, blockQuote: 'literal' });
}

/** Blocks are for code and prose; text whose edges are blank or odd does not survive in one and is quoted. */
function fitsBlock(text: string): boolean {
  return /^\n*\S/.test(text) && !/\n[^\S\n]+\n*$/.test(text) && !/[\r\u0085\u2028\u2029\ufeff]/.test(text);
}
