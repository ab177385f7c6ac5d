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

/** The document in its canonical form together with its text. */
export function canonical(document: FlowDocument): { document: FlowDocument; text: string } {
  const text = documentToText(document);
  // Written from a checked document one line above.
  return { document: JSON.parse(text) as FlowDocument, text };
}
