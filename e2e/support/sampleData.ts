import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const DATA = new URL('../../samples/data/', import.meta.url);

type Quake = { id: string; mag: number | null };
type Flight = { delay: number; origin: string; date: string };

/** The records of a data file, read here and by nothing of the product. */
async function records<Value>(name: string): Promise<Value[]> {
  const text = await readFile(fileURLToPath(new URL(name, DATA)), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Value);
}

export async function countQuakes(): Promise<{ all: number; strong: number }> {
  const quakes = await records<Quake>('usgs-earthquakes-week.jsonl');
  return { all: quakes.length, strong: quakes.filter(({ mag }) => mag !== null && mag >= 4.5).length };
}

export async function countFlights(): Promise<{
  all: number;
  late: number;
  delayed: number;
  early: number;
  onTime: number;
}> {
  const flights = await records<Flight>('us-flights-2001-20k.jsonl');
  const count = { all: flights.length, late: 0, delayed: 0, early: 0, onTime: 0 };
  for (const { delay } of flights) {
    if (delay >= 60) count.late++;
    else if (delay >= 15) count.delayed++;
    else if (delay <= -15) count.early++;
    else count.onTime++;
  }
  return count;
}

/** When the last flight of the recording left each airport, in ISO form. */
export async function lastDepartures(): Promise<Map<string, string>> {
  const flights = await records<Flight>('us-flights-2001-20k.jsonl');
  return new Map(flights.map(({ origin, date }) => [origin, date.replaceAll('/', '-').replace(' ', 'T')]));
}
