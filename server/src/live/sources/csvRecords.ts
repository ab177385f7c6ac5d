import { parse } from 'csv-parse/sync';

const DELIMITERS = [',', ';', '\t', '|'];

/** What is wrong with a record, as a sentence without its place. */
export class CsvFault extends Error {}

export type CsvHeader = { names: string[]; delimiter: string };

/** The delimiter is the one that the header line holds most of. */
export function csvHeader(text: string): CsvHeader {
  const count = (delimiter: string): number => text.split(delimiter).length;
  const delimiter = DELIMITERS.reduce((best, next) => (count(next) > count(best) ? next : best));
  const names = cellsOf(text, delimiter).map((name) => name.trim());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new CsvFault(`the header names the column "${twice}" twice`);
  return { names, delimiter };
}

/** An object with the header's names; what is exactly a number or a boolean becomes one. */
export function csvRecord(text: string, { names, delimiter }: CsvHeader): Record<string, unknown> {
  const cells = cellsOf(text, delimiter);
  if (cells.length !== names.length) {
    throw new CsvFault(`it has ${cells.length} columns where the header has ${names.length}`);
  }
  return Object.fromEntries(names.map((name, index) => [name, csvValue(cells[index] as string)]));
}

function cellsOf(text: string, delimiter: string): string[] {
  if (!text.includes('"')) return text.split(delimiter);
  try {
    const records = parse(text, { delimiter, relax_column_count: true, relax_quotes: false }) as string[][];
    return records[0] ?? [''];
  } catch (thrown) {
    throw new CsvFault(thrown instanceof Error ? thrown.message.replace(/ at line \d+/, '') : String(thrown));
  }
}

/** `007`, `1e400` and long ids stay text: turning them into numbers and back would not give the same text. */
function csvValue(cell: string): unknown {
  if (cell === 'true') return true;
  if (cell === 'false') return false;
  if (cell === '' || cell.length > 24) return cell;
  const number = Number(cell);
  return Number.isFinite(number) && String(number) === cell ? number : cell;
}
