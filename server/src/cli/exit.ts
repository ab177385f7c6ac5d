/** What a command's exit code says; scripts rely on these numbers. */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** Ends the process with one sentence on stderr. */
export function fail(thrown: unknown, code: number = EXIT_FAILED): never {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  process.stderr.write(`millrace: ${message}\n`);
  process.exit(code);
}
