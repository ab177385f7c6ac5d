import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliProcess, runCli, startCli } from './testing/testCli.ts';

describe('millrace serve', () => {
  let data = '';
  const started: CliProcess[] = [];
  const serve = (...args: string[]): CliProcess => {
    const cli = startCli(['serve', '--port', '0', '--data', data, ...args]);
    started.push(cli);
    return cli;
  };
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'millrace-serve-'));
  });
  afterEach(async () => {
    for (const cli of started.splice(0)) {
      cli.process.kill('SIGKILL');
      await cli.over;
    }
    rmSync(data, { recursive: true, force: true });
  });

  it('says where it is ready and ends in good order when asked to', async () => {
    const cli = serve();
    await cli.whenPrinted('Millrace is ready at http://127.0.0.1:');
    cli.process.kill('SIGTERM');
    expect(await cli.over).toMatchObject({ code: 0, stderr: '' });
  });

  it('refuses a data folder that another server holds, names that one, and leaves it alone', async () => {
    const first = serve();
    await first.whenPrinted('Millrace is ready');
    const second = await serve().over;
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(data);
    expect(second.stderr).toContain(`process ${first.process.pid}`);
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    first.process.kill('SIGKILL');
    await first.over;
    const third = serve();
    await third.whenPrinted('Millrace is ready');
  });

  it('says that the port is taken', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const address = blocker.address();
    const port = typeof address === 'object' && address ? String(address.port) : '';
    const { code, stderr } = await serve('--port', port).over;
    blocker.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`Port ${port}`);
    expect(stderr).toContain('--port');
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('names a damaged database and what to do about it', async () => {
    writeFileSync(join(data, 'millrace.db'), 'no database at all '.repeat(500));
    const { code, stderr } = await serve().over;
    expect(code).toBe(1);
    expect(stderr).toMatch(/millrace\.db is damaged.*backup/);
  });

  it('refuses settings that make no sense', async () => {
    const { code, stderr } = await runCli(['serve', '--port', 'http', '--data', data]);
    expect(code).toBe(2);
    expect(stderr).toContain('MILLRACE_PORT must be a number');
  });
});
