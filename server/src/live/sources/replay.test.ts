import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeConfig } from '@millrace/shared/flow/records/registry.ts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SourceItem } from '../../engine/io.ts';
import { testNode } from '../testNodes.ts';
import { createSource } from './registry.ts';
import type { Source } from './source.ts';

let folder: string;
const opened: Source[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-replay-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((source) => source.close()));
  await rm(folder, { recursive: true });
});

type Config = Partial<NodeConfig<'replay'>>;

async function replay(file: string, config: Config = {}, folders = [folder]): Promise<Source> {
  const node = testNode('replay', { file, speed: { mode: 'full' }, ...config });
  const source = await createSource(node, { fileFolders: folders, seed: 1, nowMs: () => 0, startedMs: 0 });
  if (!source) throw new Error('a replay is a source');
  opened.push(source);
  return source;
}

async function replayText(name: string, text: string | Buffer, config: Config = {}): Promise<Source> {
  await writeFile(path.join(folder, name), text);
  return replay(name, config);
}

async function readAll(source: Source, most = 2, from: string | null = null): Promise<SourceItem[]> {
  const all: SourceItem[] = [];
  let cursor = from;
  for (;;) {
    const { items, done } = await source.read(cursor, most);
    all.push(...items);
    cursor = items.at(-1)?.cursor ?? cursor;
    if (done) return all;
  }
}

const dataOf = (items: SourceItem[]): unknown[] => items.map(({ data }) => JSON.parse(data) as unknown);

describe('replay of JSONL', () => {
  it('plays every line as it stands, without BOM, blank lines and line ends', async () => {
    const source = await replayText(
      'a.jsonl',
      '\ufeff{"a":1}\r\n\r\n  {"big":12345678901234567890}\n\n{"a":"ü😀"}',
    );
    expect((await readAll(source)).map(({ data }) => data)).toEqual([
      '{"a":1}',
      '{"big":12345678901234567890}',
      '{"a":"ü😀"}',
    ]);
  });

  it('goes on at every cursor exactly where the item ended', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => JSON.stringify({ i, pad: 'ü'.repeat(i * 7) }));
    const source = await replayText('a.jsonl', `${lines.join('\n\n')}\n`);
    const all = await readAll(source, 100);
    for (const [index, item] of all.entries()) {
      expect(await readAll(source, 7, item.cursor)).toEqual(all.slice(index + 1));
    }
  });

  it('reads lines longer than a block', async () => {
    const long = { text: 'x'.repeat(1_000_000) };
    const source = await replayText('a.jsonl', `{"a":1}\n${JSON.stringify(long)}\n{"a":2}\n`);
    expect(dataOf(await readAll(source))).toEqual([{ a: 1 }, long, { a: 2 }]);
  });

  it('takes id, time and key from the record', async () => {
    const source = await replayText(
      'a.jsonl',
      '{"id":"q1","p":{"net":"us"},"time":1700000000000}\n{"id":7,"p":{"net":5},"time":"2001/01/01 00:47"}\n{"p":{}}\n',
      {
        idField: 'id',
        timeField: 'time',
        key: 'p.net',
      },
    );
    expect((await readAll(source)).map(({ id, timeMs, key }) => ({ id, timeMs, key }))).toEqual([
      { id: 'q1', timeMs: 1_700_000_000_000, key: 'us' },
      { id: '7', timeMs: Date.UTC(2001, 0, 1, 0, 47), key: '5' },
      { id: null, timeMs: null, key: null },
    ]);
  });

  it('hands out what is good, then names the line that is not', async () => {
    const source = await replayText('a.jsonl', '{"a":1}\n\n{"a":2\n{"a":3}\n');
    const { items, done } = await source.read(null, 10);
    expect([dataOf(items), done]).toEqual([[{ a: 1 }], false]);
    await expect(source.read(items[0]?.cursor ?? null, 10)).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringMatching(/^Line 3 of a\.jsonl cannot be read: it is not JSON/),
      details: { line: 3 },
    });
  });

  it('names the line whose time is none', async () => {
    const source = await replayText('a.jsonl', '{"t":"soon"}\n', { timeField: 't' });
    await expect(source.read(null, 1)).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: 'Line 1 of a.jsonl cannot be read: its t, "soon", is not a time.',
    });
  });

  it('paces by time from the first record, never backwards, also after a restart', async () => {
    const times = [1000, 3000, 2000, null, 7000];
    const source = await replayText('a.jsonl', times.map((t) => JSON.stringify({ t })).join('\n'), {
      timeField: 't',
      speed: { mode: 'by-time', factor: 2 },
    });
    const all = await readAll(source);
    expect(all.map(({ dueMs }) => dueMs)).toEqual([0, 1000, 1000, 1000, 3000]);
    expect((await readAll(source, 10, all[1]?.cursor)).map(({ dueMs }) => dueMs)).toEqual([1000, 1000, 3000]);
  });

  it('of an empty file is over at once', async () => {
    expect(await (await replayText('a.jsonl', '')).read(null, 10)).toEqual({ items: [], done: true });
  });
});

describe('replay of CSV', () => {
  it('makes objects of the header, numbers and booleans where they stay the same as text', async () => {
    const source = await replayText(
      'a.csv',
      '\ufeffid,name,n,zip,ok,none,big\r\n1,"Smith, ""J""\r\nJr",-2.5,00123,true,,12345678901234567890\r\n2,Ü,1e5,9,false,x,NaN',
    );
    expect(dataOf(await readAll(source, 1))).toEqual([
      {
        id: 1,
        name: 'Smith, "J"\r\nJr',
        n: -2.5,
        zip: '00123',
        ok: true,
        none: '',
        big: '12345678901234567890',
      },
      { id: 2, name: 'Ü', n: '1e5', zip: 9, ok: false, none: 'x', big: 'NaN' },
    ]);
  });

  it('finds out the delimiter', async () => {
    const source = await replayText('a.csv', 'a;b,c;d\n1;2;3\n');
    expect(dataOf(await readAll(source))).toEqual([{ a: 1, 'b,c': 2, d: 3 }]);
  });

  it('goes on at every cursor, and knows the lines of records with line breaks', async () => {
    const source = await replayText('a.csv', 'a,b\n1,"x\ny"\n2,z\n\n3,"p""q\n\n"\n4,5,6\n');
    const { items } = await source.read(null, 10);
    expect(dataOf(items)).toEqual([
      { a: 1, b: 'x\ny' },
      { a: 2, b: 'z' },
      { a: 3, b: 'p"q\n\n' },
    ]);
    expect(dataOf((await source.read(items[0]?.cursor ?? null, 1)).items)).toEqual([{ a: 2, b: 'z' }]);
    await expect(source.read(items[2]?.cursor ?? null, 1)).rejects.toMatchObject({
      message: 'Line 9 of a.csv cannot be read: it has 3 columns where the header has 2.',
    });
  });

  it('refuses a file without a header, and one that names a column twice', async () => {
    await expect(replayText('a.csv', '')).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: 'Line 1 of a.csv must name the columns.',
    });
    await expect(replayText('b.csv', 'a,b,a\n1,2,3\n')).rejects.toThrow(/names the column "a" twice/);
  });

  it('gives back any table that was written as CSV', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', 'ü', '0'), maxLength: 6 });
    const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
        const source = await replayText(
          'p.csv',
          `x,y\n${rows.map((row) => row.map(quoted).join(',')).join('\n')}\n`,
        );
        const expected = rows.map(([x, y]) => ({ x: x === '0' ? 0 : x, y: y === '0' ? 0 : y }));
        expect(dataOf(await readAll(source, 3))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the file of a replay', () => {
  it('comes from the first folder that has it', async () => {
    const second = path.join(folder, 'second');
    await mkdir(second);
    await writeFile(path.join(second, 'a.jsonl'), '{"from":2}');
    await writeFile(path.join(second, 'b.jsonl'), '{"from":2}');
    await writeFile(path.join(folder, 'a.jsonl'), '{"from":1}');
    expect(
      dataOf(await readAll(await replay('a.jsonl', {}, [path.join(folder, 'missing'), folder, second]))),
    ).toEqual([{ from: 1 }]);
    expect(dataOf(await readAll(await replay('b.jsonl', {}, [folder, second])))).toEqual([{ from: 2 }]);
  });

  it.each([
    '../secret.jsonl',
    '/etc/hostname',
    'sub/../../secret.jsonl',
    '..\\secret.jsonl',
    'C:\\x.jsonl',
    'link.jsonl',
  ])('cannot be outside its folder: %s', async (name) => {
    const inner = path.join(folder, 'inner');
    await mkdir(inner);
    await writeFile(path.join(folder, 'secret.jsonl'), '{}');
    await writeFile(path.join(inner, 'mine.jsonl'), '{}');
    await symlink(path.join(folder, 'secret.jsonl'), path.join(inner, 'link.jsonl'));
    await expect(replay(name, {}, [inner])).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });

  it('that is missing is named together with those that are there', async () => {
    await writeFile(path.join(folder, 'quakes.jsonl'), '{}');
    await writeFile(path.join(folder, 'notes.bin'), '');
    await expect(replay('quake.jsonl')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: 'There is no file "quake.jsonl". There are: quakes.jsonl.',
    });
  });
});
