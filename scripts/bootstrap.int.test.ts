import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { inProject } from './runProcess.ts';

type Started = {
  output: () => string;
  kill: (signal: NodeJS.Signals) => void;
  ended: Promise<number | null>;
};

const bootstrap = (args: readonly string[]): Started => {
  const child = spawn(process.execPath, [inProject('scripts/bootstrap.mjs'), ...args], {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { output: () => output, kill: (signal) => child.kill(signal), ended };
};

it('lists its targets when it knows none of that name, and fails', async () => {
  const run = bootstrap(['nonsense']);
  expect(await run.ended).toBe(2);
  expect(run.output()).toContain('start');
});

it('hands on arguments, the caller’s folder and the exit code, and says nothing on stdout itself', async () => {
  const code = 'console.log(process.cwd(), process.argv.slice(1).join()); process.exitCode = 9';
  const run = bootstrap(['node', '-e', code, 'a', 'b']);
  expect(await run.ended).toBe(9);
  expect(run.output()).toMatch(/^\S+ a,b\n$/);
});

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('forwards %s and waits for the end', async (signal) => {
  const code = `
    process.on('${signal}', () => setTimeout(() => { console.log('put away'); process.exit(7); }, 50));
    console.log('ready');
    setInterval(() => {}, 1000)`;
  const run = bootstrap(['node', '-e', code]);
  await expect.poll(run.output, { timeout: 10_000 }).toContain('ready');
  run.kill(signal);
  expect(await run.ended).toBe(7);
  expect(run.output()).toContain('put away');
});

it('fails when its target is killed', async () => {
  const run = bootstrap(['node', '-e', 'process.kill(process.pid, "SIGKILL")']);
  expect(await run.ended).toBe(137);
});
