import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useEffect, useMemo, useRef } from 'react';
import { useConnection } from '../connection/ConnectionProvider.tsx';
import { tabRandom } from '../connection/clientId.ts';
import type { Connection } from '../connection/connection.ts';
import { copyText, deleteSelected, pasteText } from '../editor/commands/clipboard.ts';
import type {
  CanvasPort,
  Command,
  CommandContext,
  PagePort,
  RunAction,
  RunPort,
} from '../editor/commands/command.ts';
import { commandFor, isTyping } from '../editor/commands/keyboard.ts';
import { COMMANDS } from '../editor/commands/registry.ts';
import type { Editor } from '../editor/store/editorStore.ts';
import { isActive } from '../live/liveRun.ts';
import { kindsAt, placeOf } from '../run/faults/faultModel.ts';
import { runOperator } from '../run/operator.ts';
import { runCommands } from '../run/runCommands.ts';
import { askForFault } from '../run/runSections.ts';
import { useRunStore } from '../run/runStore.ts';
import { openExport } from './exporting/exportDialog.ts';
import { useImporting } from './importing/ImportProvider.tsx';
import { attempt, showDone, showError } from './notices.ts';
import { openCommandPalette, openNodeFinder } from './palettes.ts';
import { showProgress } from './progress.tsx';
import { navigate } from './router.ts';

const RUN_COMMAND_OF: Readonly<Record<RunAction, string>> = {
  start: 'run.start',
  startPaused: 'run.startPaused',
  pause: 'run.pause',
  resume: 'run.resume',
  step: 'run.step',
  stop: 'run.stop',
  apply: 'run.apply',
  list: 'run.list',
};

function runPortOf(connection: Connection): RunPort {
  const operator = () => {
    const live = activeLive();
    return live && runOperator(connection, live.runId);
  };
  return {
    can: (action) => runCommandOf(action)?.refusal() === null,
    perform: (action) => runCommandOf(action)?.run(),
    faultsAt: (recordId) => {
      const graph = activeLive()?.graph;
      return graph ? kindsAt(placeOf(graph, recordId)) : [];
    },
    askForFault,
    faultCount: () => activeLive()?.metrics.latest?.faults.length ?? 0,
    healAll: async () => void (await operator()?.healFault(null)),
    groupPaused: (recordId) => activeLive()?.metrics.latest?.groups[recordId]?.paused ?? null,
    setGroupPaused: async (recordId, isPaused) =>
      void (await (isPaused ? operator()?.pauseGroup(recordId) : operator()?.resumeGroup(recordId))),
  };
}

/** The watched run while something can be done to it. */
function activeLive() {
  const { live } = useRunStore.getState();
  return live && isActive(live.status) ? live : null;
}

function runCommandOf(action: RunAction) {
  return runCommands.find((command) => command.id === RUN_COMMAND_OF[action]);
}

/** Before the canvas is mounted there is nothing to move. */
const NO_CANVAS: CanvasPort = {
  fit: () => {},
  zoomBy: () => {},
  middle: () => ({ x: 0, y: 0 }),
  startRename: () => {},
};

export type Commanding = {
  context: CommandContext;
  setCanvas: (port: CanvasPort | null) => void;
  perform: (command: Command) => void;
};

/** Gives commands everything they act on, and the keyboard and the clipboard their way to them. */
export function useCommandContext(editor: Editor): Commanding {
  const connection = useConnection();
  const importing = useImporting();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const canvas = useRef<CanvasPort>(NO_CANVAS);
  const latest = useRef({ importing, scheme });
  latest.current = { importing, scheme };

  const commanding = useMemo<Commanding>(() => {
    const page: PagePort = {
      openStart: () => navigate({ screen: 'start' }),
      newFlow: () =>
        attempt('New flow', async () => {
          const { document } = await connection.request('flow.create', { name: 'Untitled flow' });
          navigate({ screen: 'flow', flowId: document.id });
        }),
      toggleTheme: () => setColorScheme(latest.current.scheme === 'dark' ? 'light' : 'dark'),
      openExport: () => openExport(),
      openImport: (text) => latest.current.importing.open(text),
      findNode: openNodeFinder,
      openPalette: openCommandPalette,
      tell: showDone,
      fail: showError,
      showProgress,
    };
    const context: CommandContext = {
      editor,
      get canvas() {
        return canvas.current;
      },
      page,
      runs: runPortOf(connection),
      random: tabRandom,
    };
    return {
      context,
      setCanvas: (port) => {
        canvas.current = port ?? NO_CANVAS;
      },
      perform: (command) => {
        if (command.canRun(context)) attempt(command.label, async () => command.run(context));
      },
    };
  }, [connection, editor, setColorScheme]);

  useEffect(() => listenToKeys(commanding), [commanding]);
  useEffect(() => {
    return () => notifications.clean();
  }, []);
  return commanding;
}

function listenToKeys({ context, perform }: Commanding): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented) return;
    const isPalette = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'k';
    if (isPalette) {
      event.preventDefault();
      context.page.openPalette();
      return;
    }
    const command = commandFor(COMMANDS, event, context);
    if (!command) return;
    event.preventDefault();
    perform(command);
  };
  const onCopy = (event: ClipboardEvent): void => {
    if (isTyping(event.target) || (window.getSelection()?.toString() ?? '') !== '') return;
    const text = copyText(context);
    if (text === null) return;
    event.preventDefault();
    event.clipboardData?.setData('text/plain', text);
    if (event.type === 'cut') deleteSelected(context, 'Cut');
  };
  const onPaste = (event: ClipboardEvent): void => {
    if (isTyping(event.target)) return;
    const text = event.clipboardData?.getData('text/plain') ?? '';
    if (text === '') return;
    event.preventDefault();
    pasteText(context, text);
  };
  window.addEventListener('keydown', onKey);
  document.addEventListener('copy', onCopy);
  document.addEventListener('cut', onCopy);
  document.addEventListener('paste', onPaste);
  return () => {
    window.removeEventListener('keydown', onKey);
    document.removeEventListener('copy', onCopy);
    document.removeEventListener('cut', onCopy);
    document.removeEventListener('paste', onPaste);
  };
}
