import type { FaultKind } from '@millrace/shared/faults/fault.ts';
import type { Point } from '@millrace/shared/flow/geometry.ts';
import type { Random } from '@millrace/shared/util/random.ts';
import type { Editor } from '../store/editorStore.ts';

/** What commands ask of the canvas. */
export interface CanvasPort {
  /** Brings the given nodes, or all, into view. */
  fit(nodeIds?: readonly string[]): void;
  zoomBy(factor: number): void;
  /** The middle of what is visible, in canvas units. */
  middle(): Point;
  startRename(nodeId: string): void;
}

/** What commands ask of the page around the editor. */
export interface PagePort {
  openStart(): void;
  newFlow(): void;
  toggleTheme(): void;
  openExport(): void;
  openImport(text?: string): void;
  findNode(): void;
  openPalette(): void;
  tell(message: string): void;
  fail(what: string, thrown: unknown): void;
  /** Shows long work with a way to cancel it; the returned function ends the display. */
  showProgress(message: string, cancel: () => void): () => void;
}

/** The controls of the flow's run. */
export interface RunPort {
  can(action: RunAction): boolean;
  perform(action: RunAction): void;
  /** Which faults could be injected now at a node or an edge of the run that goes on. */
  faultsAt(recordId: string): readonly FaultKind[];
  /** Opens the form for it in the inspector. */
  askForFault(recordId: string, kind: FaultKind): void;
  faultCount(): number;
  healAll(): Promise<void>;
  /** Null where there is no group that could be paused. */
  groupPaused(recordId: string): boolean | null;
  setGroupPaused(recordId: string, isPaused: boolean): Promise<void>;
}
export type RunAction = 'start' | 'startPaused' | 'pause' | 'resume' | 'step' | 'stop' | 'apply' | 'list';

export type CommandContext = {
  editor: Editor;
  canvas: CanvasPort;
  page: PagePort;
  runs: RunPort;
  random: Random;
};

export type CommandGroup = 'Edit' | 'Arrange' | 'View' | 'Add' | 'Run' | 'Faults' | 'Flow';

/**
 * One thing a person can do. The menu, the command palette and the keyboard are generated from the list of these, so a
 * command that exists can be found in all three.
 */
export type Command = {
  id: string;
  label: string;
  group: CommandGroup;
  keywords?: readonly string[];
  /** In Mantine's notation; `mod` is ⌘ on a Mac and Ctrl elsewhere. Several are alternatives. */
  shortcuts?: readonly string[];
  /** The browser reports these keys as clipboard events; the keyboard handler leaves them alone. */
  viaClipboard?: boolean;
  /** `step`: what it changes can be undone as one step. `none`: it changes nothing of the document. */
  history: 'step' | 'none';
  canRun: (context: CommandContext) => boolean;
  run: (context: CommandContext) => void | Promise<void>;
};

export function selectedNodeIds({ editor }: Pick<CommandContext, 'editor'>): string[] {
  return [...editor.selection].filter((id) => editor.records.get(id)?.type === 'node');
}
