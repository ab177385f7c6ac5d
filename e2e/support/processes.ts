import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export type SystemProcess = { pid: number; parent: number; command: string };

/** Every process of this machine, as far as it can be seen. */
function allProcesses(): SystemProcess[] {
  return process.platform === 'linux' ? fromProc() : fromPs();
}

/** A container may have no `ps`. */
function fromProc(): SystemProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name in brackets may hold anything; what follows the last one is state, then parent.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z') return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return [{ pid, parent: Number(parent), command }];
    } catch {
      // It ended between the listing and the look at it.
      return [];
    }
  });
}

function fromPs(): SystemProcess[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,command='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match ? [{ pid: Number(match[1]), parent: Number(match[2]), command: match[3] ?? '' }] : [];
  });
}

/** All processes below one, parents before their children. */
export function descendantsOf(pid: number): SystemProcess[] {
  const all = allProcesses();
  const found: SystemProcess[] = [];
  for (let generation = [pid]; generation.length > 0; ) {
    const children = all.filter(({ parent }) => generation.includes(parent));
    found.push(...children);
    generation = children.map((child) => child.pid);
  }
  return found;
}

/** `kill -9`; a process that is gone already is no trouble. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}
