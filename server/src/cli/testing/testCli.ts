import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../millrace.ts', import.meta.url));
const WAIT_MS_MAX = 45_000;

export type CliResult = { code: number | null; stdout: string; stderr: string };

export type CliProcess = {
  process: ChildProcess;
  over: Promise<CliResult>;
  /** Resolves when stdout or stderr holds the text. */
  whenPrinted(text: string): Promise<void>;
};

/** Starts `millrace` as a user would; for tests. */
export function startCli(args: string[], environment: Record<string, string> = {}): CliProcess {
  const child = spawn(process.execPath, ['--no-node-snapshot', SCRIPT, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting: { text: string; resolve(): void }[] = [];
  const look = (): void => {
    for (const { text, resolve } of waiting) if ((stdout + stderr).includes(text)) resolve();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
    look();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
    look();
  });
  const over = new Promise<CliResult>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new Error(
          `millrace ${args.join(' ')} did not end in ${WAIT_MS_MAX} ms. stdout: ${stdout} stderr: ${stderr}`,
        ),
      );
    }, WAIT_MS_MAX);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
  const whenPrinted = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({ text, resolve });
      look();
      over.then(
        () =>
          reject(new Error(`millrace ended without printing "${text}". stdout: ${stdout} stderr: ${stderr}`)),
        reject,
      );
    });
  // Whoever only waits for a line must not be surprised by the end.
  over.catch(() => {});
  return { process: child, over, whenPrinted };
}

export function runCli(args: string[], environment: Record<string, string> = {}): Promise<CliResult> {
  return startCli(args, environment).over;
}
