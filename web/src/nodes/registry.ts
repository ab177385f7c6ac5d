import type { NodeKind } from '@millrace/shared/flow/records/registry.ts';
import { batchView } from './batch/view.ts';
import { callView } from './call/view.ts';
import { databaseView } from './database/view.ts';
import { fileView } from './file/view.ts';
import { filterView } from './filter/view.ts';
import { generatorView } from './generator/view.ts';
import { handlerView } from './handler/view.ts';
import { httpView } from './http/view.ts';
import { logView } from './log/view.ts';
import type { NodeKindView } from './nodeView.ts';
import { replayView } from './replay/view.ts';
import { routeView } from './route/view.ts';
import { scheduleView } from './schedule/view.ts';
import { throttleView } from './throttle/view.ts';
import { topicView } from './topic/view.ts';
import { transformView } from './transform/view.ts';

/** Every node kind as the page shows it; a kind that is missing does not compile. */
export const NODE_VIEWS: { readonly [Kind in NodeKind]: NodeKindView<Kind> } = {
  generator: generatorView,
  schedule: scheduleView,
  http: httpView,
  replay: replayView,
  topic: topicView,
  handler: handlerView,
  filter: filterView,
  route: routeView,
  transform: transformView,
  throttle: throttleView,
  batch: batchView,
  call: callView,
  database: databaseView,
  file: fileView,
  log: logView,
};

/** The view with its config type widened, for code that treats all kinds alike. */
export function nodeView(kind: NodeKind): NodeKindView {
  // The registry ties each view to its kind's config; a node's kind and config always belong together.
  return NODE_VIEWS[kind] as unknown as NodeKindView;
}
