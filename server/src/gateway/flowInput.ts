import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { parseDocument, readDocument } from '@millrace/shared/flow/serialize.ts';

/** A flow from outside: its text, JSON or YAML, or a parsed value. Errors name the place of the fault. */
export function readFlowInput(input: unknown): FlowDocument {
  return (typeof input === 'string' ? parseDocument(input) : readDocument(input)).document;
}

export function refuseUnrunnable(_document: FlowDocument): void {}
