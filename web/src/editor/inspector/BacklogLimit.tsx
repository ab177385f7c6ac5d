import { Switch } from '@mantine/core';
import type { FlowEdge } from '@millrace/shared/flow/document.ts';
import { edgeSchema } from '@millrace/shared/flow/records/edge.ts';
import { useMemo } from 'react';
import { formatQuantity } from '../../ui/quantity.ts';
import { useEditor, useEditorValue } from '../binding/EditorProvider.tsx';
import { setAt } from '../store/json.ts';
import { Fields } from './form/Field.tsx';
import { fieldsOf } from './form/fieldModel.ts';
import formStyles from './form/form.module.css';
import { checkAgainst, type FormScope, FormScopeContext } from './form/formScope.ts';

const FIELDS = fieldsOf(edgeSchema.shape.backlog.unwrap());

/** How far this one reader may fall behind (TP6); as the flow's settings say unless it has limits of its own. */
export function BacklogLimit({ edge, target }: { edge: FlowEdge; target: string }) {
  const editor = useEditor();
  const settings = useEditorValue((current) => current.graph.document.settings);
  const scope = useMemo<FormScope>(() => {
    const put = (label: string, next: (current: FlowEdge) => FlowEdge, burst?: string): void =>
      editor.change({ label, ...(burst === undefined ? {} : { burst }) }, (transaction) => {
        const record = transaction.records.get(edge.id);
        if (record?.type === 'edge') transaction.put({ ...record, edge: next(record.edge) });
      });
    return {
      id: edge.id,
      value: edge,
      check: (path, next) => checkAgainst(edgeSchema, edge, path, next),
      commit: (path, next, { label, isTyping }) =>
        put(
          label,
          // `check` has parsed the very same change against the edge's schema.
          (current) => setAt(current, path, next) as FlowEdge,
          isTyping ? `${edge.id}.${path.join('.')}` : undefined,
        ),
      settle: () => editor.mark(),
    };
  }, [editor, edge]);
  const choose = (isOwn: boolean): void =>
    editor.change({ label: isOwn ? 'Limit this connection' : 'Limit it as the flow does' }, (transaction) => {
      const record = transaction.records.get(edge.id);
      if (record?.type !== 'edge') return;
      const { backlog: _, ...rest } = record.edge;
      const own = { messages: settings.backlogMessagesMax, bytes: settings.backlogBytesMax };
      transaction.put({ ...record, edge: isOwn ? { ...rest, backlog: own } : rest });
    });
  const asSet = `${settings.backlogMessagesMax.toLocaleString('en-US')} messages or ${formatQuantity('bytes', settings.backlogBytesMax)}`;
  return (
    <FormScopeContext value={scope}>
      <div className={formStyles.stack}>
        <Switch
          label="A backlog limit of its own"
          description={
            edge.backlog === undefined
              ? `Now as the flow is set: producers wait, drop or fail when ${target} is ${asSet} behind.`
              : `Producers wait, drop or fail when ${target} is that far behind, whichever comes first.`
          }
          checked={edge.backlog !== undefined}
          onChange={(event) => choose(event.currentTarget.checked)}
          data-testid="own-backlog"
        />
        {edge.backlog !== undefined && (
          <div className={formStyles.inset}>
            <Fields fields={FIELDS} path={['backlog']} />
          </div>
        )}
      </div>
    </FormScopeContext>
  );
}
