import type { ConfigMigration } from '../records/kind.ts';
import { NODE_KINDS } from '../records/registry.ts';
import { SETTINGS_MIGRATIONS } from '../records/settings.ts';

/**
 * The history of every record type. Entry i turns a value of version i + 1 into version i + 2; the current version is
 * the length plus one. Migrations of `document` see the whole raw document, the others one record (of a node: its
 * config). What has been released never changes: `frozenMigrations.test.ts` sees to it.
 */
export type MigrationSequences = Readonly<Record<string, readonly ConfigMigration[]>>;

export const MIGRATION_SEQUENCES: MigrationSequences = {
  document: [],
  settings: SETTINGS_MIGRATIONS,
  schema: [],
  edge: [],
  ...Object.fromEntries(
    Object.values(NODE_KINDS).map((kind) => [nodeRecordType(kind.kind), kind.migrations]),
  ),
};

export function nodeRecordType(kind: string): string {
  return `node.${kind}`;
}

export function versionsOf(sequences: MigrationSequences): Record<string, number> {
  return Object.fromEntries(Object.entries(sequences).map(([type, steps]) => [type, steps.length + 1]));
}

/** The version of each record type that this program writes. */
export const CURRENT_VERSIONS: Readonly<Record<string, number>> = versionsOf(MIGRATION_SEQUENCES);
