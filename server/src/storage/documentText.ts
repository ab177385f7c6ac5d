import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { parseDocument, writeDocument } from '@millrace/shared/flow/serialize.ts';

/** The canonical text of a document; FLOW_INVALID for what is none. */
export function documentToText(document: FlowDocument): string {
  return writeDocument(document, 'json');
}

/** Brings a document that an older release kept to the current version. */
export function documentFromText(text: string): FlowDocument {
  return parseDocument(text, { format: 'json' }).document;
}

/** The document as it will be read back, together with its text. */
export function canonical(document: FlowDocument): { document: FlowDocument; text: string } {
  const text = documentToText(document);
  return { document: documentFromText(text), text };
}
