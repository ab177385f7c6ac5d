/** One measured number. With `against`, `ratio` is this figure over that one. */
export type Figure = { name: string; value: number; unit: string; against?: string; ratio?: number };

const RATIO_DIGITS = 3;
const VALUE_DIGITS = 4;

export type Figures = {
  readonly all: readonly Figure[];
  /** Prints the figure as it is known, one JSON object a line. */
  add(name: string, value: number, unit: string, ...against: string[]): void;
  valueOf(name: string): number | null;
};

export function collectFigures(): Figures {
  const all: Figure[] = [];
  const find = (name: string): number | null => all.find((figure) => figure.name === name)?.value ?? null;
  const print = (figure: Figure): void => {
    all.push(figure);
    process.stdout.write(`${JSON.stringify(figure)}\n`);
  };
  return {
    all,
    valueOf: find,
    add(name, exact, unit, ...against) {
      const value = Number(exact.toPrecision(VALUE_DIGITS));
      const known = against.flatMap((other) => {
        const reference = find(other);
        return reference === null ? [] : [{ other, reference }];
      });
      if (known.length === 0) print({ name, value, unit });
      for (const { other, reference } of known)
        print({
          name,
          value,
          unit,
          against: other,
          ratio: Number((value / reference).toPrecision(RATIO_DIGITS)),
        });
    },
  };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** For reading, each figure once, with all it was compared to. */
export function tableOf(figures: readonly Figure[]): { name: string; value: string; compared: string }[] {
  const names = [...new Set(figures.map(({ name }) => name))];
  return names.map((name) => {
    const same = figures.filter((figure) => figure.name === name);
    const compared = same.flatMap(({ against, ratio }) => (against ? [`${ratio} × ${against}`] : []));
    const { value, unit } = same[0] as Figure;
    return { name, value: `${value.toLocaleString('en')} ${unit}`, compared: compared.join(', ') };
  });
}
