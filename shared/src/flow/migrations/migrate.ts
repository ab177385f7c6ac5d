import { WorkbenchError } from '../../errors/workbenchError.ts';
import { MIGRATION_SEQUENCES, type MigrationSequences, nodeRecordType, versionsOf } from './sequences.ts';

type Raw = Record<string, unknown>;

/**
 * Brings a raw document to the current version of every record type in it. A type without an entry in `versions` is
 * taken as version 1. Throws FLOW_TOO_NEW for a document of a newer program and FLOW_INVALID where a migration cannot
 * make sense of a record. Unknown node kinds are left alone; reading the document reports them.
 */
export function migrateDocument(
  raw: Raw,
  sequences: MigrationSequences = MIGRATION_SEQUENCES,
): { document: Raw; migrated: boolean } {
  const current = versionsOf(sequences);
  const saved = isRaw(raw.versions) ? raw.versions : {};
  refuseNewer(raw, saved, current);
  let migrated = false;
  const bring = (type: string, value: unknown, where: string): unknown => {
    const steps = sequences[type] ?? [];
    let result = value;
    for (let version = versionIn(saved, type); version <= steps.length; version++) {
      migrated = true;
      result = runStep(steps[version - 1], result, `${where} from version ${version} of ${type}`);
    }
    return result;
  };
  const each = (list: unknown, change: (entry: unknown, index: number) => unknown): unknown =>
    Array.isArray(list) ? list.map(change) : list;

  const whole = bring('document', raw, 'the document');
  const document: Raw = { ...(isRaw(whole) ? whole : raw) };
  if (document.settings !== undefined) document.settings = bring('settings', document.settings, 'settings');
  if (document.schemas !== undefined)
    document.schemas = each(document.schemas, (schema, index) =>
      bring('schema', schema, `schemas[${index}]`),
    );
  if (document.edges !== undefined)
    document.edges = each(document.edges, (edge, index) => bring('edge', edge, `edges[${index}]`));
  if (document.nodes !== undefined) {
    document.nodes = each(document.nodes, (node, index) => {
      if (!isRaw(node) || typeof node.kind !== 'string') return node;
      return { ...node, config: bring(nodeRecordType(node.kind), node.config, `nodes[${index}]`) };
    });
  }
  document.versions = current;
  return { document, migrated };
}

function versionIn(saved: Raw, type: string): number {
  const version = saved[type];
  return typeof version === 'number' && Number.isInteger(version) && version >= 1 ? version : 1;
}

function runStep(step: ((value: unknown) => unknown) | undefined, value: unknown, what: string): unknown {
  try {
    return step?.(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorkbenchError(
      'FLOW_INVALID',
      `This flow cannot be brought to the current version: ${what}: ${reason}.`,
      {
        details: { issues: [{ path: what, message: reason }] },
        cause: error,
      },
    );
  }
}

/** A type that this program does not know matters only when the document uses it. */
function refuseNewer(raw: Raw, saved: Raw, current: Record<string, number>): void {
  const kindsUsed = new Set(
    Array.isArray(raw.nodes) ? raw.nodes.map((node) => (isRaw(node) ? node.kind : undefined)) : [],
  );
  const newer = Object.entries(saved).flatMap(([record, version]) => {
    if (typeof version !== 'number') return [];
    const known = current[record];
    if (known === undefined) {
      const used = record.startsWith('node.') ? kindsUsed.has(record.slice('node.'.length)) : true;
      return used ? [{ record, version, known: 0 }] : [];
    }
    return version > known ? [{ record, version, known }] : [];
  });
  if (newer.length === 0) return;
  const list = newer.map(({ record, version, known }) =>
    known === 0
      ? `${record}, which this program does not know`
      : `${record} at version ${version}, this program knows ${known}`,
  );
  throw new WorkbenchError(
    'FLOW_TOO_NEW',
    `This flow was saved by a newer Millrace (${list.join('; ')}). Update Millrace to open it.`,
    {
      details: { newer },
    },
  );
}

export function isRaw(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
