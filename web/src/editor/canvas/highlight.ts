import { createStore } from 'zustand/vanilla';

/** A path lit on the drawing, for instance that of one trace. Nothing is dimmed while both sets are empty. */
export type Highlight = {
  nodeIds: ReadonlySet<string>;
  edgeIds: ReadonlySet<string>;
  /** Everything outside the path steps back. */
  dimOthers: boolean;
};

const NOTHING: Highlight = { nodeIds: new Set(), edgeIds: new Set(), dimOthers: false };

export const highlight = createStore<Highlight>(() => NOTHING);

export function lightPath(path: {
  nodeIds: Iterable<string>;
  edgeIds: Iterable<string>;
  dimOthers?: boolean;
}): void {
  const { nodeIds, edgeIds, dimOthers = true } = path;
  highlight.setState({ nodeIds: new Set(nodeIds), edgeIds: new Set(edgeIds), dimOthers }, true);
}

export function clearHighlight(): void {
  highlight.setState(NOTHING, true);
}
