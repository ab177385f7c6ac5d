import { NODE_KIND_NAMES, NODE_KINDS, nodeKind } from '@millrace/shared/flow/records/registry.ts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { setAt } from '../../store/json.ts';
import { nextTimes, readCron, wallClock } from './cron.ts';
import {
  type FieldModel,
  fieldsOf,
  humanWord,
  initialObject,
  type NumberFieldModel,
  parseNumber,
  shownFields,
} from './fieldModel.ts';
import { checkAgainst } from './formScope.ts';
import { readFigure } from './NumberField.tsx';
import { intoSections, sectionGist } from './sections.ts';

const field = (fields: readonly FieldModel[], key: string): FieldModel => {
  const found = fields.find((each) => each.key === key);
  if (!found) throw new Error(`no field ${key}`);
  return found;
};

describe('the form of a config schema', () => {
  it('has a field for every property of every kind', () => {
    for (const kind of NODE_KIND_NAMES) {
      const fields = fieldsOf(nodeKind(kind).config);
      const { properties = {} } = z.toJSONSchema(nodeKind(kind).config, { io: 'input' });
      // What a kind allows one value for is no choice.
      const isFixed = (key: string) => Object.hasOwn(properties[key] as object, 'const');
      const keys = Object.keys(nodeKind(kind).initial() as object).filter((key) => !isFixed(key));
      expect(fields.map(({ key }) => key)).toEqual(keys.sort(byOrderOf(fields)));
    }
  });

  it('reads units, limits, null, widgets and what is advanced', () => {
    const generator = fieldsOf(NODE_KINDS.generator.config);
    expect(field(generator, 'ratePerSecond')).toMatchObject({
      shape: 'number',
      unit: 'messages/s',
      min: 0.01,
      isNullable: false,
    });
    expect(field(generator, 'count')).toMatchObject({ shape: 'number', isInteger: true, isNullable: true });
    expect(field(generator, 'payload')).toMatchObject({ shape: 'text', widget: 'json-template' });
    const handler = fieldsOf(NODE_KINDS.handler.config);
    expect(field(handler, 'startFrom')).toMatchObject({ shape: 'union', tag: 'at', advanced: true });
    expect(field(handler, 'retry')).toMatchObject({ shape: 'object' });
    expect(field(fieldsOf(NODE_KINDS.topic.config), 'schema')).toMatchObject({ shape: 'schema-ref' });
    expect(field(fieldsOf(NODE_KINDS.route.config), 'routes')).toMatchObject({ shape: 'routes', max: 32 });
    expect(field(fieldsOf(NODE_KINDS.call.config), 'headers')).toMatchObject({ shape: 'rows', max: 32 });
  });

  it('puts what consumers share into sections, with a gist that follows the config', () => {
    const { own, ownAdvanced, sections } = intoSections(fieldsOf(NODE_KINDS.handler.config));
    expect(own.map(({ key }) => key)).toEqual(['code']);
    expect(ownAdvanced.map(({ key }) => key)).toEqual(['timeoutMs', 'memoryMb']);
    expect(sections.map(({ section, fields }) => [section, fields.map(({ key }) => key)])).toEqual([
      [
        'delivery',
        ['guarantee', 'order', 'retry', 'afterLastAttempt', 'idempotency', 'startFrom', 'whenDeleted'],
      ],
      ['scaling', ['instances', 'concurrency']],
    ]);
    const config = NODE_KINDS.handler.initial();
    expect(sectionGist('delivery', config)).toBe('Exactly once, in order per partition, 3 attempts');
    expect(sectionGist('scaling', { ...config, instances: 3 })).toBe('3 instances, 4 at a time');
    expect(intoSections(fieldsOf(NODE_KINDS.generator.config)).sections).toEqual([]);
  });

  it('hides what would do nothing as the other fields are set', () => {
    const fields = fieldsOf(NODE_KINDS.topic.config);
    const keys = (over: object) =>
      shownFields(fields, { ...NODE_KINDS.topic.initial(), ...over }).map(({ key }) => key);
    expect(keys({})).not.toContain('schemaPolicy');
    expect(keys({ schema: 'schema:a' })).toContain('schemaPolicy');
    expect(keys({})).toContain('retentionMs');
    expect(keys({})).not.toContain('tombstoneMs');
    expect(keys({ cleanup: 'compact' })).toContain('tombstoneMs');
    expect(keys({ cleanup: 'compact' })).not.toContain('retentionMs');
  });

  it('reads times and sizes where a number counts milliseconds or bytes', () => {
    const number = (fields: readonly FieldModel[], key: string) => field(fields, key) as NumberFieldModel;
    const topic = fieldsOf(NODE_KINDS.topic.config);
    expect(readFigure(number(topic, 'retentionMs'), '24h')).toEqual({ ok: true, value: 86_400_000 });
    expect(readFigure(number(topic, 'retentionMs'), '86,400,000')).toEqual({ ok: true, value: 86_400_000 });
    expect(readFigure(number(topic, 'retentionBytes'), '64 MiB')).toEqual({ ok: true, value: 67_108_864 });
    expect(readFigure(number(topic, 'partitions'), '10 min').ok).toBe(false);
  });

  it('begins every variant of every union with values that are valid', () => {
    const nowIso = '2026-01-01T00:00:00.000Z';
    for (const kind of NODE_KIND_NAMES) {
      const { config, initial } = nodeKind(kind);
      for (const union of fieldsOf(config)) {
        if (union.shape !== 'union') continue;
        for (const variant of union.variants) {
          const value = { [union.tag]: variant.tagValue, ...initialObject(variant.fields, nowIso) };
          const whole = setAt(initial(), [union.key], value);
          expect(config.safeParse(whole).success, `${kind}.${union.key} = ${variant.tagValue}`).toBe(true);
        }
      }
    }
  });

  it('blames a field only for its own faults', () => {
    const { config, initial } = NODE_KINDS.handler;
    const broken = setAt(initial(), ['timeoutMs'], 0);
    expect(checkAgainst(config, broken, ['retry', 'attemptsMax'], 5)).toBeNull();
    expect(checkAgainst(config, broken, ['retry', 'attemptsMax'], 0)).toBe('At least 1.');
    expect(checkAgainst(NODE_KINDS.http.config, NODE_KINDS.http.initial(), ['path'], 'Not ok')).toMatch(
      /Lower-case/,
    );
    expect(checkAgainst(NODE_KINDS.filter.config, NODE_KINDS.filter.initial(), ['expression'], '')).toBe(
      'This is needed.',
    );
  });
});

function byOrderOf(fields: readonly FieldModel[]) {
  const keys = fields.map(({ key }) => key);
  return (a: string, b: string): number => keys.indexOf(a) - keys.indexOf(b);
}

describe('words of a choice', () => {
  it('read as people write them', () => {
    expect(['dead-letter', 'attemptsMax', 'GET', 'jsonl'].map(humanWord)).toEqual([
      'Dead-letter',
      'Attempts max',
      'GET',
      'JSONL',
    ]);
  });
});

describe('numbers as people type them', () => {
  it('reads separators and exponents, and refuses what is none', () => {
    expect(parseNumber('1,000,000', true)).toBe(1_000_000);
    expect(parseNumber(' 2_500 ', true)).toBe(2500);
    expect(parseNumber('1e3', true)).toBe(1000);
    expect(parseNumber('.5', false)).toBe(0.5);
    for (const text of ['', 'ten', '1.5.2', '0x10', '1,5', 'Infinity'])
      expect(parseNumber(text, false), text).toBeNull();
    expect(parseNumber('1.5', true)).toBeNull();
  });
});

describe('the next times of a cron expression', () => {
  const from = new Date('2026-03-01T10:00:02Z');
  const times = (expression: string, count = 3): string[] => {
    const reading = readCron(expression);
    if (!reading.ok) throw new Error(reading.sentence);
    return nextTimes(reading.fields, from, count).map((time) => time.toISOString().slice(0, 19));
  };

  it('knows seconds, steps, ranges, lists and names', () => {
    expect(times('*/5 * * * * *')).toEqual([
      '2026-03-01T10:00:05',
      '2026-03-01T10:00:10',
      '2026-03-01T10:00:15',
    ]);
    expect(times('0 9-11/2 * * *', 2)).toEqual(['2026-03-01T11:00:00', '2026-03-02T09:00:00']);
    expect(times('30 8 * * mon,fri', 2)).toEqual(['2026-03-02T08:30:00', '2026-03-06T08:30:00']);
    expect(times('0 0 29 feb *', 1)).toEqual(['2028-02-29T00:00:00']);
    expect(times('0 0 13 * 5', 2)).toEqual(['2026-03-06T00:00:00', '2026-03-13T00:00:00']);
  });

  it('says what it does not understand', () => {
    expect(readCron('* * *')).toMatchObject({ ok: false });
    expect(readCron('61 * * * *')).toEqual({ ok: false, sentence: '61 makes no sense for minutes.' });
    expect(times('0 0 31 feb *')).toEqual([]);
    expect(wallClock(from, 'Europe/Berlin')?.toISOString()).toBe('2026-03-01T11:00:02.000Z');
    expect(wallClock(from, 'Nowhere/Land')).toBeNull();
  });
});
