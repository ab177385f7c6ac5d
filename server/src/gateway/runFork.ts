import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import type { RequestOf } from '@millrace/shared/protocol/catalog.ts';
import { anchorOf } from '../live/fork.ts';
import type { MessageLog } from './ports.ts';
import { partitionsOf } from './topicBrowser.ts';

export type ForkPoint = RequestOf<'run.fork'>;

/** Rule RN5: refuses what cannot be handled again, before a run is made for it. */
export function refuseUnforkable(document: FlowDocument, log: MessageLog, point: ForkPoint): void {
  const { topicId, partition } = point;
  const topic = document.nodes.find(({ id, kind }) => id === topicId && kind === 'topic');
  if (!topic) {
    throw new WorkbenchError(
      'TOPIC_NOT_FOUND',
      'This topic is not in the drawing any more, so nothing would handle its messages again. Draw it again with Undo, or choose a topic that is there.',
    );
  }
  if (!document.edges.some(({ source }) => source === topicId)) {
    throw new WorkbenchError(
      'FLOW_INVALID',
      `Nothing reads ${topic.name} in the drawing, so there is nothing to handle again. Connect a consumer to it first.`,
      { details: { records: [topicId] } },
    );
  }
  if (partition >= partitionsOf(log, topicId).length)
    throw new WorkbenchError('TOPIC_NOT_FOUND', `${topic.name} has no partition ${partition} in this run.`);
  anchorOf(log, { topic: topicId, partition, offset: point.offset });
}
