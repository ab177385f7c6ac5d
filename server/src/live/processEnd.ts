import type { ChildProcess } from 'node:child_process';

/** A channel that is not closed so long after its process has ended is not waited for. */
const CHANNEL_MS_MAX = 1000;

/**
 * Tells that a process has ended once all that it said is heard: on a busy machine its end may be known before its last
 * words, which say whether it had come to its end in good order, have been read.
 */
export function onceHeardOut(
  child: ChildProcess,
  ended: (code: number | null, signal: NodeJS.Signals | null) => void,
): void {
  child.once('exit', (code, signal) => {
    if (!child.connected) {
      ended(code, signal);
      return;
    }
    const heard = (): void => {
      clearTimeout(giveUp);
      child.off('disconnect', heard);
      ended(code, signal);
    };
    const giveUp = setTimeout(heard, CHANNEL_MS_MAX);
    child.once('disconnect', heard);
  });
}

/** How a process ended, for a sentence about it. */
export function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal ? `signal ${signal}` : `exit code ${code ?? 'unknown'}`;
}

/** The most telling line of what the process printed: V8's fatal error when there is one. */
export function lastLine(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (
    lines.find((line) => line.startsWith('FATAL ERROR')) ??
    lines.find((line) => /^\w*Error\b/.test(line)) ??
    lines.at(-1) ??
    ''
  );
}
