import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RUN_EXEC_ARGV, runEnvironment } from '../../src/live/childProcess.ts';
import type { CASES, CaseName } from './cases.ts';

type OptionsOf<Name extends CaseName> = Parameters<(typeof CASES)[Name]>[0];
type ResultOf<Name extends CaseName> = Awaited<ReturnType<(typeof CASES)[Name]>>;
type Answer = { ok: true; value: unknown } | { ok: false; message: string };

const SCRIPT = fileURLToPath(new URL('./child.ts', import.meta.url));

/** Does one measurement in a process of its own. */
export function inChild<Name extends CaseName>(
  name: Name,
  options: OptionsOf<Name>,
): Promise<ResultOf<Name>> {
  const child = fork(SCRIPT, [], {
    execArgv: [...RUN_EXEC_ARGV, '--expose-gc'],
    env: runEnvironment(),
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('message', (answer: Answer) => {
      // The child answers with the result of the case it was asked for.
      if (answer.ok) resolve(answer.value as ResultOf<Name>);
      else reject(new Error(`${name}: ${answer.message}`));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`${name} ended without an answer (${signal ?? code})`)),
    );
    child.send({ name, options });
  });
}
