import { settingsSchema } from '@millrace/shared/flow/records/settings.ts';
import type { FlowRecord } from '@millrace/shared/flow/records.ts';
import { flowRecordSchema } from '@millrace/shared/flow/records.ts';
import { Workflow } from 'lucide-react';
import { useMemo } from 'react';
import { useEditor, useEditorValue } from '../binding/EditorProvider.tsx';
import type { CommandContext } from '../commands/command.ts';
import { setAt } from '../store/json.ts';
import { Fields } from './form/Field.tsx';
import { type FieldModel, fieldsOf } from './form/fieldModel.ts';
import formStyles from './form/form.module.css';
import { checkAgainst, type FormScope, FormScopeContext } from './form/formScope.ts';
import { headFields } from './headFields.ts';
import styles from './Inspector.module.css';
import { SchemaList } from './SchemaList.tsx';

const HEAD_FIELDS = headFields('What this flow is for');
const SETTINGS: FieldModel = {
  shape: 'object',
  key: 'settings',
  title: 'Settings of its runs',
  description: null,
  advanced: false,
  section: null,
  shownWhen: null,
  fields: fieldsOf(settingsSchema),
};
const FLOW_FIELDS = [...HEAD_FIELDS, SETTINGS];

/** Nothing selected: the flow itself. */
export function FlowInspector({ context }: { context: CommandContext }) {
  const editor = useEditor();
  const record = useEditorValue((current) => current.records.get(current.flowId));
  const graph = useEditorValue((current) => current.graph);
  const scope = useMemo<FormScope>(
    () => ({
      id: editor.flowId,
      value: record,
      check: (path, next) => checkAgainst(flowRecordSchema, record, path, next),
      commit: (path, next, { label, isTyping }) => {
        const burst = isTyping ? { burst: `${editor.flowId}.${path.join('.')}` } : {};
        editor.change({ label, ...burst }, (transaction) => {
          const current = transaction.records.get(editor.flowId);
          // `check` has parsed the very same change against the record's schema.
          if (current) transaction.put(setAt(current, path, next) as FlowRecord);
        });
      },
      settle: () => editor.mark(),
    }),
    [editor, record],
  );
  const nodes = graph.nodes.size;
  const edges = graph.document.edges.length;
  return (
    <section aria-label="Flow">
      <header className={styles.head}>
        <span className={styles.icon}>
          <Workflow size={16} aria-hidden="true" />
        </span>
        <div className={styles.headText}>
          <h2>Flow</h2>
          <p>
            {nodes} {nodes === 1 ? 'node' : 'nodes'}, {edges} {edges === 1 ? 'connection' : 'connections'}
          </p>
        </div>
      </header>
      <div className={styles.body}>
        <FormScopeContext value={scope}>
          <div className={formStyles.stack}>
            <Fields fields={FLOW_FIELDS} />
          </div>
        </FormScopeContext>
        <SchemaList context={context} />
      </div>
    </section>
  );
}
