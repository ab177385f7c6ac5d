import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { z } from 'zod';
import type { Connection } from '../../connection/connection.ts';

/** What the import dialog begins with; null is an empty one. */
export type ImportRequest = { text: string } | { file: File } | null;

const issuesSchema = z.array(z.object({ path: z.string(), message: z.string() }));
const placeSchema = z.object({ line: z.number(), column: z.number() });

/** Reads the text here first: a fault is shown with its place, and nothing has left the page. */
export async function importText(connection: Connection, text: string): Promise<string> {
  const { parseDocument } = await import('@millrace/shared/flow/serialize.ts');
  const { document } = parseDocument(text);
  const opened = await connection.request('flow.import', { document, keepId: false });
  return opened.document.id;
}

export type Fault = {
  sentence: string;
  places: { path: string; message: string }[];
  at: { line: number; column: number } | null;
};

export function faultOf(error: WorkbenchError): Fault {
  const places = issuesSchema.safeParse(error.details?.issues);
  const at = placeSchema.safeParse(error.details);
  return {
    sentence: error.message,
    places: places.success ? places.data : [],
    at: at.success ? at.data : null,
  };
}

/** Data for a replay node rather than a flow. */
export function isDataFile(name: string): boolean {
  return /\.(jsonl|ndjson|csv)$/i.test(name);
}

export const FLOW_FILE_BYTES_MAX = 32 * 1024 * 1024;

export async function readFlowFile(file: File): Promise<string> {
  if (file.size > FLOW_FILE_BYTES_MAX) {
    throw new WorkbenchError(
      'FLOW_UNREADABLE',
      `${file.name} is too large to be a flow (${Math.round(file.size / 1_048_576)} MiB, at most 32).`,
    );
  }
  return file.text();
}
