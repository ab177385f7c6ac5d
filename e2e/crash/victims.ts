import { descendantsOf, killNow } from '../support/processes.ts';
import type { Product } from '../support/product.ts';
import { runProcessOf } from './moments.ts';

/**
 * Who dies: the server, and its run notices; the server and all that belongs to it at once, as when a machine fails; the
 * process of the run alone; the process of its handlers alone.
 */
export const VICTIMS = ['server', 'everything', 'run', 'handlers'] as const;
export type Victim = (typeof VICTIMS)[number];

/** Whether a server is left to bring the run back. */
export function leavesServer(victim: Victim): boolean {
  return victim === 'run' || victim === 'handlers';
}

/** False when there was nobody to kill, such as handlers that are not there yet. */
export async function kill(victim: Victim, product: Product): Promise<boolean> {
  switch (victim) {
    case 'server':
      await product.kill();
      return true;
    case 'everything': {
      // The server first: it would start again what dies under its eyes.
      const below = descendantsOf(product.pid);
      const gone = product.kill();
      for (const { pid } of below) killNow(pid);
      await gone;
      return true;
    }
    case 'run': {
      const run = runProcessOf(product.pid);
      if (run) killNow(run.pid);
      return run !== undefined;
    }
    case 'handlers': {
      const host = descendantsOf(product.pid).find(({ command }) => command.includes('hostProcess'));
      if (host) killNow(host.pid);
      return host !== undefined;
    }
  }
}
