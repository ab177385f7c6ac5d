import classes from './badges.module.css';
import type { LiveRun } from './liveRun.ts';
import { type Badge, type NodeFace, nodeFace } from './nodeBadges.ts';

/** Elements that carry this attribute, with a node's id, belong to the painter: React renders them empty. */
export const LIVE_NODE_ATTRIBUTE = 'data-live-node';

type Painted = {
  runId: string;
  first: HTMLElement;
  second: HTMLElement;
  badges: Map<string, HTMLElement>;
  condition: HTMLElement | null;
};

/**
 * Writes counters into the node frames without React: a figure that has not changed costs no DOM write, and a run at
 * full rate costs the canvas no render. Call `paint` at most ten times a second.
 */
export class BadgePainter {
  readonly #painted = new WeakMap<HTMLElement, Painted>();
  readonly #root: ParentNode;

  constructor(root: ParentNode) {
    this.#root = root;
  }

  paint(live: LiveRun | null): void {
    for (const element of this.#root.querySelectorAll<HTMLElement>(`[${LIVE_NODE_ATTRIBUTE}]`)) {
      const nodeId = element.getAttribute(LIVE_NODE_ATTRIBUTE);
      const face = live && nodeId !== null ? nodeFace(live, nodeId) : null;
      this.#paintNode(element, live?.runId ?? '', face);
    }
  }

  #paintNode(element: HTMLElement, runId: string, face: NodeFace | null): void {
    let painted = this.#painted.get(element);
    if (painted && (face === null || painted.runId !== runId)) {
      element.replaceChildren();
      this.#painted.delete(element);
      painted = undefined;
    }
    if (!face) return;
    if (!painted) {
      painted = {
        runId,
        first: box(classes.row),
        second: box(classes.row),
        badges: new Map(),
        condition: null,
      };
      this.#painted.set(element, painted);
      element.replaceChildren(painted.first, painted.second);
    }
    for (const badge of face.badges) paintBadge(painted, badge);
    paintCondition(element, painted, face);
  }
}

function box(className: string | undefined): HTMLElement {
  const element = document.createElement('div');
  element.className = className ?? '';
  return element;
}

function paintBadge(painted: Painted, badge: Badge): void {
  let element = painted.badges.get(badge.name);
  if (!element) {
    element = badge.opens === undefined ? document.createElement('span') : buttonTo(badge.opens);
    element.classList.add(classes.badge ?? '');
    element.dataset.counter = badge.name;
    element.dataset.testid = `counter-${badge.name}`;
    const figure = document.createElement('b');
    element.append(figure);
    if (badge.label !== '') element.append(` ${badge.label}`);
    painted.badges.set(badge.name, element);
    (badge.place === 'first row' ? painted.first : painted.second).append(element);
  }
  const value = String(badge.value);
  if (element.dataset.value !== value) {
    element.dataset.value = value;
    const figure = element.firstElementChild;
    if (figure && figure.textContent !== badge.text) figure.textContent = badge.text;
  }
  if (element.title !== badge.title) element.title = badge.title;
  if (element.dataset.tone !== badge.tone) element.dataset.tone = badge.tone;
  if (element.hidden !== badge.quiet) element.hidden = badge.quiet;
}

/** React Flow leaves alone what says `nodrag` and `nopan`, so that a press is a press. */
function buttonTo(tab: string): HTMLElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'nodrag nopan';
  button.dataset.opens = tab;
  return button;
}

function paintCondition(parent: HTMLElement, painted: Painted, face: NodeFace): void {
  const line = face.condition;
  if (!painted.condition) {
    if (!line) return;
    painted.condition = document.createElement('span');
    painted.condition.className = classes.condition ?? '';
    painted.condition.dataset.testid = 'node-condition';
    parent.append(painted.condition);
  }
  const element = painted.condition;
  const text = line?.text ?? '';
  if (element.textContent !== text) element.textContent = text;
  const title = line?.title ?? '';
  if (element.title !== title) element.title = title;
  const state = line?.state ?? 'idle';
  if (element.dataset.state !== state) element.dataset.state = state;
  const tone = line?.tone ?? 'plain';
  if (element.dataset.tone !== tone) element.dataset.tone = tone;
  const hidden = line === null || text === '';
  if (element.hidden !== hidden) element.hidden = hidden;
}
