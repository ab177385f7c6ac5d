import type { Figures } from './figures.ts';

/** What the engine is meant to reach on a machine with two cores. */
export type Target = { title: string; wanted: string; measured: string; met: boolean | null };

type Wish = { title: string; figure: string; over?: string; atLeast?: number; atMost?: number; unit: string };

const WISHES: readonly Wish[] = [
  {
    title: 'Three stages, durable and traced, against Node-RED in memory',
    figure: 'three stages',
    over: 'Node-RED, in memory',
    atLeast: 1.5,
    unit: '×',
  },
  {
    title: 'Three stages against NATS JetStream at its default durability',
    figure: 'three stages',
    over: 'NATS JetStream, no fsync',
    atLeast: 4,
    unit: '×',
  },
  {
    title: 'Three stages against the storage’s own append and read',
    figure: 'three stages',
    over: 'storage alone',
    atLeast: 0.6,
    unit: '×',
  },
  {
    title: 'End-to-end latency at a third of the maximum rate, p99',
    figure: 'latency p99',
    atMost: 25,
    unit: 'ms',
  },
  {
    title: 'Memory after ten times the messages',
    figure: 'memory, last',
    over: 'memory, a tenth of the way',
    atMost: 1.1,
    unit: '×',
  },
  {
    title: 'Throughput with traces kept against left out',
    figure: 'three stages',
    over: 'three stages, traces left out',
    atLeast: 0.9,
    unit: '×',
  },
  { title: 'Recovery of 10 million messages', figure: 'recovery, 10,000,000 messages', atMost: 2, unit: 's' },
  { title: 'Simulated deliveries', figure: 'simulator', atLeast: 200_000, unit: 'deliveries/s' },
  { title: '1,000 seeds of a flow of 20 nodes', figure: 'simulator, 1,000 seeds', atMost: 60, unit: 's' },
];

export function judgeTargets(figures: Figures): Target[] {
  return WISHES.map(({ title, figure, over, atLeast, atMost, unit }) => {
    const wanted =
      atLeast === undefined
        ? `at most ${atMost} ${unit}`
        : `at least ${atLeast.toLocaleString('en')} ${unit}`;
    const value = figures.valueOf(figure);
    const reference = over === undefined ? 1 : figures.valueOf(over);
    if (value === null || reference === null) return { title, wanted, measured: 'not measured', met: null };
    const measured = Number((value / reference).toPrecision(3));
    const met = atLeast === undefined ? measured <= (atMost ?? 0) : measured >= atLeast;
    return { title, wanted, measured: `${measured.toLocaleString('en')} ${unit}`, met };
  });
}

/** How far off a target is, as a share of it. */
export function verdictOf({ met, wanted, measured }: Target): string {
  if (met === null) return '–';
  if (met) return 'met';
  const numberIn = (text: string): number => Number(/[\d.,]+/.exec(text)?.[0]?.replaceAll(',', ''));
  const share = numberIn(measured) / numberIn(wanted);
  return wanted.startsWith('at least')
    ? `missed: ${(share * 100).toFixed(0)} % of it`
    : `missed: ${share.toPrecision(2)} × as much`;
}
