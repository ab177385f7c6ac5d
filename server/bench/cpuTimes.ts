import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processor time that the threads of this process and of its children have taken so far, in microseconds by name. Read
 * from /proc: empty where there is none.
 */
export type CpuTimes = Map<string, number>;

/** USER_HZ, in which Linux counts for everybody, whatever the kernel's own clock. */
const US_PER_TICK = 10_000;
const RUN = 'run';
const HANDLERS = 'handlers';
/** After the name in parentheses: utime and stime, counted from the state. */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** How threads are called that Node names for itself; the main thread of a process is told by its number. */
const THREADS: Record<string, string> = {
  MAIN: 'main thread',
  MainThread: 'isolates',
  V8Worker: 'V8 (garbage, compiler)',
  'libuv-worker': 'files',
  'millrace-storag': 'storage thread',
  'millrace-traces': 'traces thread',
};

export function readCpuTimes(): CpuTimes {
  const times: CpuTimes = new Map();
  addProcess(times, RUN, String(process.pid));
  for (const child of childrenOf(process.pid)) addProcess(times, HANDLERS, child);
  return times;
}

export function cpuBetween(before: CpuTimes, after: CpuTimes): CpuTimes {
  return new Map([...after].map(([name, us]) => [name, us - (before.get(name) ?? 0)]));
}

function childrenOf(pid: number): string[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean);
}

function addProcess(times: CpuTimes, processName: string, pid: string): void {
  for (const thread of threadsOf(pid)) {
    const stat = read(`/proc/${pid}/task/${thread}/stat`);
    const nameEnd = stat.lastIndexOf(')');
    // A thread may end while it is read.
    if (nameEnd < 0) continue;
    const own = thread === pid ? 'MAIN' : stat.slice(stat.indexOf('(') + 1, nameEnd);
    const fields = stat.slice(nameEnd + 2).split(' ');
    const us = (Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS])) * US_PER_TICK;
    const name = `${processName}: ${THREADS[own] ?? 'other'}`;
    times.set(name, (times.get(name) ?? 0) + us);
  }
}

function threadsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
