import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { withoutProducers } from '@millrace/shared/flow/withoutProducers.ts';
import type { RunSummary } from '@millrace/shared/protocol/entities.ts';

/**
 * A version as a run takes it. Its durability and its seed are those the run began with, whatever later versions say (RN4);
 * a run that handles again what another one has handled has no producers (RN5).
 */
export function documentOfRun(
  { durability, seed, forkedFrom }: Pick<RunSummary, 'durability' | 'seed' | 'forkedFrom'>,
  version: FlowDocument,
): FlowDocument {
  const document = { ...version, settings: { ...version.settings, durability, seed } };
  return forkedFrom === null ? document : withoutProducers(document);
}
