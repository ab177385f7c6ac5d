import { describe, expect, it } from 'vitest';
import { hashText } from '../../util/random.ts';
import { migrateDocument } from './migrate.ts';
import { CURRENT_VERSIONS, MIGRATION_SEQUENCES, type MigrationSequences } from './sequences.ts';

/**
 * What has been released, by record type: a fingerprint of each migration. A line here is only ever added (with the
 * release of its migration), never changed: files saved in between went through the old code.
 */
const RELEASED: Record<string, number[]> = {};

type Fields = Record<string, unknown>;
const sequences: MigrationSequences = {
  document: [(raw) => ({ ...(raw as Fields), name: (raw as Fields).title })],
  settings: [],
  edge: [],
  schema: [],
  'node.mill': [
    (config) => ({ ...(config as Fields), speed: 1 }),
    (config) => ({ ...(config as Fields), speed: ((config as Fields).speed as number) * 60 }),
  ],
};

describe('migrations', () => {
  it('that were released never change', () => {
    for (const [type, fingerprints] of Object.entries(RELEASED)) {
      const now = (MIGRATION_SEQUENCES[type] ?? []).map((step) => hashText(step.toString()));
      expect(now.slice(0, fingerprints.length), `migrations of ${type}`).toEqual(fingerprints);
    }
  });

  it('number versions from 1 without gaps', () => {
    for (const [type, steps] of Object.entries(MIGRATION_SEQUENCES))
      expect(CURRENT_VERSIONS[type]).toBe(steps.length + 1);
  });

  it('run in sequence from the version of each record type', () => {
    const raw = {
      versions: { document: 1, 'node.mill': 1 },
      title: 'Old',
      nodes: [
        { kind: 'mill', config: { wheel: 'big' } },
        { kind: 'other', config: {} },
      ],
    };
    const { document, migrated } = migrateDocument(raw, sequences);
    expect(migrated).toBe(true);
    expect(document).toMatchObject({
      name: 'Old',
      nodes: [{ config: { wheel: 'big', speed: 60 } }, { config: {} }],
      versions: { document: 2, 'node.mill': 3 },
    });
    expect(raw.nodes[0]?.config).toEqual({ wheel: 'big' });
  });

  it('start in the middle for a newer record, and do nothing for a current one', () => {
    const half = migrateDocument(
      { versions: { document: 2, 'node.mill': 2 }, nodes: [{ kind: 'mill', config: { speed: 2 } }] },
      sequences,
    );
    expect(half.document.nodes).toEqual([{ kind: 'mill', config: { speed: 120 } }]);
    const current = migrateDocument(
      { versions: { document: 2, 'node.mill': 3 }, nodes: [{ kind: 'mill', config: { speed: 2 } }] },
      sequences,
    );
    expect(current).toMatchObject({ migrated: false, document: { nodes: [{ config: { speed: 2 } }] } });
  });

  it('that cannot make sense of a record say which', () => {
    const broken: MigrationSequences = {
      ...sequences,
      edge: [
        () => {
          throw new Error('no source');
        },
      ],
    };
    expect(() => migrateDocument({ edges: [{}] }, broken)).toThrow(
      /edges\[0\] from version 1 of edge: no source/,
    );
  });
});
