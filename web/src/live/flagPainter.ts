import { faultMark, faultsAt } from './faults.ts';
import classes from './flags.module.css';
import { BARS, BOLT, glyph } from './glyphs.ts';
import { groupView, type Member, membersText, memberTitle, showsMembers } from './groups.ts';
import type { LiveRun } from './liveRun.ts';

/** Elements that React renders empty and this painter fills, each with a node's id. */
export const LIVE_FLAGS_ATTRIBUTE = 'data-live-flags';
export const LIVE_MEMBERS_ATTRIBUTE = 'data-live-members';

type FlagName = 'fault' | 'paused';
type Flag = { name: FlagName; text: string; title: string; kinds: string };
const GLYPHS: Record<FlagName, string> = { fault: BOLT, paused: BARS };

/**
 * Writes onto nodes what is not a figure: faults that are on, a group that is paused, and the instances of a group. Like
 * the figures it costs no render, and no DOM write while nothing changes.
 */
export class FlagPainter {
  readonly #root: ParentNode;

  constructor(root: ParentNode) {
    this.#root = root;
  }

  paint(live: LiveRun | null): void {
    for (const element of this.#root.querySelectorAll<HTMLElement>(`[${LIVE_FLAGS_ATTRIBUTE}]`)) {
      const nodeId = element.getAttribute(LIVE_FLAGS_ATTRIBUTE) ?? '';
      paintFlags(element, live ? flagsOf(live, nodeId) : []);
    }
    for (const element of this.#root.querySelectorAll<HTMLElement>(`[${LIVE_MEMBERS_ATTRIBUTE}]`)) {
      const nodeId = element.getAttribute(LIVE_MEMBERS_ATTRIBUTE) ?? '';
      const view = live ? groupView(live, nodeId) : null;
      paintMembers(element, view && showsMembers(view) ? view.members : []);
    }
  }
}

export function flagsOf(live: LiveRun, nodeId: string): Flag[] {
  const flags: Flag[] = [];
  const mark = faultMark(faultsAt(live.metrics.latest, nodeId));
  if (mark) flags.push({ name: 'fault', ...mark });
  if (live.metrics.latest?.groups[nodeId]?.paused)
    flags.push({
      name: 'paused',
      text: 'Group paused',
      title: 'Nothing is handed out to this group until it is resumed.',
      kinds: '',
    });
  return flags;
}

function paintFlags(parent: HTMLElement, flags: readonly Flag[]): void {
  const isFaulty = String(flags.some(({ name }) => name === 'fault'));
  if (parent.dataset.faulty !== isFaulty) parent.dataset.faulty = isFaulty;
  for (const element of [...parent.children] as HTMLElement[]) {
    if (!flags.some(({ name }) => name === element.dataset.flag)) element.remove();
  }
  for (const flag of flags) {
    let element = parent.querySelector<HTMLElement>(`[data-flag="${flag.name}"]`);
    if (!element) {
      element = document.createElement('span');
      element.className = classes.flag ?? '';
      element.dataset.flag = flag.name;
      element.dataset.testid = `flag-${flag.name}`;
      element.append(glyph(GLYPHS[flag.name], 11), document.createElement('span'));
      parent.append(element);
    }
    const text = element.lastElementChild as HTMLElement;
    if (text.textContent !== flag.text) text.textContent = flag.text;
    if (element.title !== flag.title) element.title = flag.title;
    if (element.dataset.kinds !== flag.kinds) element.dataset.kinds = flag.kinds;
  }
}

function paintMembers(parent: HTMLElement, members: readonly Member[]): void {
  while (parent.children.length > members.length) parent.lastElementChild?.remove();
  for (const member of members) {
    let dot = parent.children[member.index] as HTMLElement | undefined;
    if (!dot) {
      dot = document.createElement('span');
      dot.className = classes.member ?? '';
      dot.dataset.testid = `instance-${member.index}`;
      parent.append(dot);
    }
    if (dot.dataset.state !== member.state) dot.dataset.state = member.state;
    const title = memberTitle(member);
    if (dot.title !== title) dot.title = title;
  }
  const label = members.length === 0 ? '' : membersText(members);
  if ((parent.getAttribute('aria-label') ?? '') === label) return;
  if (label === '') parent.removeAttribute('aria-label');
  else parent.setAttribute('aria-label', label);
}
