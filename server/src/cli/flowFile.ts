import { readFileSync } from 'node:fs';
import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { parseDocument } from '@millrace/shared/flow/serialize.ts';

export type FlowFile = { path: string; text: string; document: FlowDocument };

/** Reads a `*.flow.json` or `*.flow.yaml`. Its errors name the file. */
export function readFlowFile(path: string): FlowFile {
  const text = readText(path);
  try {
    return { path, text, document: parseDocument(text, { format: formatOf(path) }).document };
  } catch (thrown) {
    const error = toWorkbenchError(thrown);
    throw new WorkbenchError(error.code, `${path}: ${error.message}`, {
      ...(error.details ? { details: error.details } : {}),
      cause: error,
    });
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'this is a folder' : String(cause);
    throw new WorkbenchError('NOT_FOUND', `${path}: ${why}.`, { cause });
  }
}

function formatOf(path: string): 'json' | 'yaml' | 'auto' {
  if (/\.json$/i.test(path)) return 'json';
  return /\.ya?ml$/i.test(path) ? 'yaml' : 'auto';
}
