import { Command } from 'commander';
import { ConfigError, readConfig } from '../config/environment.ts';
import { EXIT_FAILED, EXIT_USAGE, fail } from './exit.ts';

type ServeOptions = { host?: string; port?: string; data?: string };

export function serveCommand(): Command {
  return new Command('serve')
    .description('Start the workbench and keep running until interrupted.')
    .option('--port <port>', 'port to listen on, 0 for any free one (MILLRACE_PORT, default 4100)')
    .option('--host <address>', 'address to listen on (MILLRACE_HOST, default 127.0.0.1)')
    .option('--data <folder>', 'where flows, runs and files are kept (MILLRACE_DATA, default .millrace)')
    .addHelpText('after', '\nExample:\n  millrace serve --port 4200 --data ~/millrace-data')
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  try {
    // Loaded here, so that the other commands need not wait for what only a server uses.
    const { startServer } = await import('../main.ts');
    const server = await startServer(readConfig(process.env, options));
    let signals = 0;
    const stop = (): void => {
      signals++;
      // Asked twice: whoever waits does not want to wait.
      if (signals > 1) process.exit(1);
      server.close().then(
        () => process.exit(0),
        (thrown: unknown) => fail(thrown),
      );
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    // Last, because whoever reads it may ask it to stop at once.
    process.stdout.write(`Millrace is ready at ${server.address}\n`);
  } catch (thrown) {
    fail(thrown, thrown instanceof ConfigError ? EXIT_USAGE : EXIT_FAILED);
  }
}
