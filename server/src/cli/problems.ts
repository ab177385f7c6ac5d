import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { lineAndColumn } from '@millrace/shared/flow/jsonText.ts';
import { canRun, validateFlow } from '@millrace/shared/flow/validate.ts';
import type { FlowFile } from './flowFile.ts';

export type FileProblem = {
  severity: 'error' | 'warning' | 'info';
  code: string;
  message: string;
  /** Where in the document. */
  path: string;
  /** Where in the file the record begins that the problem is about; null when it is about the whole. */
  line: number | null;
  column: number | null;
};

export function problemsOf({ document, text }: FlowFile): FileProblem[] {
  return validateFlow(document).map(({ severity, code, message, path, nodeId, edgeId }) => {
    const id = edgeId ?? nodeId;
    const place = id === undefined ? null : placeOf(text, id);
    return { severity, code, message, path, line: place?.line ?? null, column: place?.column ?? null };
  });
}

/** Throws FLOW_INVALID with the errors, a line each, when the flow cannot run. */
export function refuseFaulty(file: FlowFile): void {
  if (canRun(validateFlow(file.document))) return;
  const errors = problemsOf(file).filter((problem) => problem.severity === 'error');
  const lines = errors.map((problem) => `  ${problemLine(file.path, problem)}`);
  throw new WorkbenchError('FLOW_INVALID', `this flow cannot run:\n${lines.join('\n')}`);
}

/** The form that editors and terminals turn into a link. */
export function problemLine(
  file: string,
  { severity, code, message, path, line, column }: FileProblem,
): string {
  const place = line === null ? file : `${file}:${line}:${column}`;
  return `${place}: ${severity}: ${message} [${code}, ${path}]`;
}

/** Where a record says its own id, in JSON as in YAML. */
function placeOf(text: string, id: string): { line: number; column: number } | null {
  const escaped = id.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const match = new RegExp(`(?:^|[\\s{,"'-])id["']?\\s*:\\s*["']?${escaped}(?![A-Za-z0-9_-])`, 'm').exec(
    text,
  );
  return match ? lineAndColumn(text, match.index + match[0].length - id.length) : null;
}
