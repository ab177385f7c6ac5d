import type { FlowChange } from '../changes.ts';
import type { FlowDocument } from '../document.ts';
import type { FlowSettings } from '../records/settings.ts';
import { changedPaths } from './paths.ts';
import { type Consequence, keeps, weigh } from './weigh.ts';

const FROM_NOW_ON = 'counts from now on';

/** Every setting has its sentence: a new one does not compile without. */
const SETTINGS: Record<keyof FlowSettings, (running: FlowSettings) => string> = {
  // A run says on every screen how durable it is and from which seed it descends; half of it would be untrue.
  durability: ({ durability }) =>
    `This run stays with the durability it began with (${durability}); the next run takes the new one.`,
  seed: ({ seed }) => `This run stays with the seed it began with (${seed}); the next run takes the new one.`,
  messageBytesMax: () => `The size limit ${FROM_NOW_ON}; larger messages that are stored stay.`,
  backlogMessagesMax: () => `The backlog limit ${FROM_NOW_ON}.`,
  backlogBytesMax: () => `The backlog limit ${FROM_NOW_ON}.`,
  traceRatePerSecond: () => `What is kept of traces ${FROM_NOW_ON}.`,
  slowTraceMs: () => `What is kept of traces ${FROM_NOW_ON}.`,
  runsKept: () => 'How many runs are kept counts when the next run starts.',
};

/** The flow's own record: its name and settings. */
export function settingsChanges(running: FlowDocument, draft: FlowDocument): FlowChange[] {
  const consequences: Consequence[] = [];
  const paths: string[] = [];
  if (running.name !== draft.name) {
    paths.push('name');
    consequences.push(keeps(`The flow and this run are called ${draft.name}.`));
  }
  for (const path of changedPaths(running.settings, draft.settings)) {
    paths.push(`settings.${path}`);
    // Settings are flat, so a path is one of their names.
    consequences.push(keeps(SETTINGS[path as keyof FlowSettings](running.settings)));
  }
  if (paths.length === 0) return [];
  const change = { kind: 'changed', record: 'settings', id: draft.id, name: 'Settings of the flow' } as const;
  return [{ ...change, paths, ...weigh(consequences) }];
}

/** What is in a topic was checked when it was appended, and is not checked again. */
export function schemaChanges(running: FlowDocument, draft: FlowDocument): FlowChange[] {
  const before = new Map(running.schemas.map((schema) => [schema.id, schema]));
  const after = new Map(draft.schemas.map((schema) => [schema.id, schema]));
  const changes: FlowChange[] = [];
  const add = (id: string, kind: FlowChange['kind'], paths: string[], sentence: string): void => {
    const { subject, version } = after.get(id) ?? before.get(id) ?? { subject: id, version: 1 };
    const name = `${subject} version ${version}`;
    changes.push({ kind, record: 'schema', id, name, paths, ...weigh([keeps(sentence)]) });
  };
  for (const [id, schema] of after) {
    const old = before.get(id);
    if (!old) add(id, 'added', [], 'Topics that name it check by it what is appended from now on.');
    else {
      const paths = changedPaths(old, schema);
      if (paths.length > 0)
        add(id, 'changed', paths, 'What is appended from now on is checked by it; what is stored stays.');
    }
  }
  for (const id of before.keys()) {
    if (!after.has(id)) add(id, 'removed', [], 'Nothing is checked by it any more; what is stored stays.');
  }
  return changes;
}
