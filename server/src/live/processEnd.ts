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
