import { backlogSentence, fullnessOf } from './backlog.ts';
import { faultMark, faultsAt } from './faults.ts';
import type { LiveRun } from './liveRun.ts';

/** Edges that React draws carry this attribute with their id. */
export const LIVE_EDGE_ATTRIBUTE = 'data-live-edge';

type EdgeMark = { backlog: string; fullness: string; faults: string; title: string };
const NO_MARK: EdgeMark = { backlog: '', fullness: '', faults: '', title: '' };

function markOf(live: LiveRun, edgeId: string): EdgeMark {
  const { latest } = live.metrics;
  const progress = latest?.subscriptions[edgeId];
  const fault = faultMark(faultsAt(latest, edgeId));
  const lines: string[] = [];
  if (progress) lines.push(`Waiting: ${backlogSentence(progress)}`);
  if (fault) lines.push(fault.title);
  return {
    backlog: progress ? String(progress.backlog) : '',
    fullness: progress ? fullnessOf(progress).toFixed(4) : '',
    faults: fault?.kinds ?? '',
    title: lines.join('\n'),
  };
}

/** What the canvas over the edges shows without words, for the pointer that rests on an edge and for readers of values. */
export class EdgeMarkPainter {
  readonly #root: ParentNode;

  constructor(root: ParentNode) {
    this.#root = root;
  }

  paint(live: LiveRun | null): void {
    for (const element of this.#root.querySelectorAll<SVGGElement>(`[${LIVE_EDGE_ATTRIBUTE}]`)) {
      const edgeId = element.getAttribute(LIVE_EDGE_ATTRIBUTE) ?? '';
      paintMark(element, live ? markOf(live, edgeId) : NO_MARK);
    }
  }
}

function paintMark(element: SVGGElement, mark: EdgeMark): void {
  for (const name of ['backlog', 'fullness', 'faults'] as const) {
    if ((element.dataset[name] ?? '') === mark[name]) continue;
    if (mark[name] === '') delete element.dataset[name];
    else element.dataset[name] = mark[name];
  }
  const title = element.querySelector<SVGTitleElement>(':scope > title') ?? addTitle(element, mark.title);
  if (title && title.textContent !== mark.title) title.textContent = mark.title;
}

function addTitle(element: SVGGElement, text: string): SVGTitleElement | null {
  if (text === '') return null;
  const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
  element.append(title);
  return title;
}
