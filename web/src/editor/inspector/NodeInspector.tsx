import { ActionIcon, Button, Select, Tooltip } from '@mantine/core';
import type { FlowNode } from '@millrace/shared/flow/document.ts';
import { edgeRole, type FlowGraph, judgeConnection } from '@millrace/shared/flow/graph.ts';
import { nodeSchema } from '@millrace/shared/flow/records/node.ts';
import { NODE_KINDS, nodeKind, outputsOf } from '@millrace/shared/flow/records/registry.ts';
import { CircleAlert, CopyPlus, Trash2, TriangleAlert } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { nodeView } from '../../nodes/registry.ts';
import { useEditor, useEditorValue } from '../binding/EditorProvider.tsx';
import type { CommandContext } from '../commands/command.ts';
import { commandById } from '../commands/registry.ts';
import { connectNodes, connectThroughTopic } from '../commands/wiring.ts';
import { problemsOf } from '../problems/problems.ts';
import { setAt } from '../store/json.ts';
import { type FieldModel, fieldsOf } from './form/fieldModel.ts';
import formStyles from './form/form.module.css';
import { checkAgainst, type FormScope, FormScopeContext } from './form/formScope.ts';
import { SectionedForm } from './form/SectionedForm.tsx';
import { headFields } from './headFields.ts';
import styles from './Inspector.module.css';
import { useInspectorPorts } from './portsContext.ts';

const HEAD_FIELDS = headFields('What it is for');

type Props = {
  node: FlowNode;
  context: CommandContext;
  /** What the run that is watched says of the node. */
  runPart: ReactNode;
};

/** One node: its name, its settings as its schema describes them, and what it is connected to. */
export function NodeInspector({ node, context, runPart }: Props) {
  const definition = nodeKind(node.kind);
  const view = nodeView(node.kind);
  const Icon = view.icon;
  return (
    <section aria-label={`${definition.title} ${node.name}`}>
      <header className={styles.head} data-family={definition.family}>
        <span className={styles.icon}>
          <Icon size={16} aria-hidden="true" />
        </span>
        <div className={styles.headText}>
          <h2>{definition.title}</h2>
          <p>{definition.summary}</p>
        </div>
        <Tooltip label="Duplicate">
          <ActionIcon
            aria-label="Duplicate the node"
            onClick={() => void commandById('duplicate').run(context)}
          >
            <CopyPlus size={15} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Delete">
          <ActionIcon
            aria-label="Delete the node"
            data-testid="delete-node"
            onClick={() => void commandById('delete').run(context)}
          >
            <Trash2 size={15} />
          </ActionIcon>
        </Tooltip>
      </header>
      <div className={styles.body}>
        <NodeProblems node={node} context={context} />
        {runPart}
        <NodeForm node={node} fields={HEAD_FIELDS} part="node" />
        {view.InspectorExtra && <Extra node={node} />}
        <NodeForm node={node} fields={fieldsOf(definition.config)} part="config" />
        <Connections node={node} context={context} />
      </div>
    </section>
  );
}

/** What is wrong with this node, where it is put right. Advice stays in the list of problems. */
function NodeProblems({ node, context }: { node: FlowNode; context: CommandContext }) {
  const graph = useEditorValue((editor) => editor.graph);
  const problems = problemsOf(graph, context.random).list.filter(
    ({ nodeId, severity }) => nodeId === node.id && severity !== 'info',
  );
  if (problems.length === 0) return null;
  return (
    <ul className={styles.problems} aria-label="Problems of this node" data-testid="node-problems">
      {problems.map(({ code, path, severity, message }) => (
        <li key={`${code} ${path}`} data-severity={severity}>
          {severity === 'error' ? (
            <CircleAlert size={14} aria-label="Error" />
          ) : (
            <TriangleAlert size={14} aria-label="Warning" />
          )}
          {message}
        </li>
      ))}
    </ul>
  );
}

function NodeForm({
  node,
  fields,
  part,
}: {
  node: FlowNode;
  fields: readonly FieldModel[];
  part: 'node' | 'config';
}) {
  const editor = useEditor();
  const scope = useMemo<FormScope>(() => {
    const value = part === 'node' ? node : node.config;
    const schema = part === 'node' ? nodeSchema : NODE_KINDS[node.kind].config;
    return {
      id: node.id,
      value,
      check: (path, next) => checkAgainst(schema, value, path, next),
      commit: (path, next, { label, isTyping }) => {
        const burst = isTyping ? { burst: `${node.id}.${path.join('.')}` } : {};
        editor.change({ label, ...burst }, (transaction) => {
          const record = transaction.records.get(node.id);
          if (record?.type !== 'node') return;
          const whole = part === 'node' ? path : ['config', ...path];
          // `check` has parsed the very same change against the node's schema.
          transaction.put({ ...record, node: setAt(record.node, whole, next) as FlowNode });
        });
      },
      settle: () => editor.mark(),
    };
  }, [editor, node, part]);
  return (
    <FormScopeContext value={scope}>
      <div className={formStyles.stack}>
        <SectionedForm fields={fields} />
      </div>
    </FormScopeContext>
  );
}

function Extra({ node }: { node: FlowNode }) {
  const ports = useInspectorPorts();
  const { flowId } = useEditor();
  const [ingestBase, setIngestBase] = useState<string | null>(null);
  useEffect(() => {
    let isCurrent = true;
    ports
      .ingestBase()
      .then((base) => isCurrent && setIngestBase(`${base}/${flowId.slice('flow:'.length)}`))
      .catch(() => {
        // Without an answer the address is not shown; the page says elsewhere that the server is away.
      });
    return () => {
      isCurrent = false;
    };
  }, [ports, flowId]);
  const { InspectorExtra } = nodeView(node.kind);
  return InspectorExtra ? (
    <InspectorExtra nodeId={node.id} config={node.config} ingestBase={ingestBase} />
  ) : null;
}

const ROLE_WORDS = { publish: 'publishes to', subscribe: 'is read by', 'dead-letter': 'dead letters to' };

/** What the node is connected to, and the way to connect it without a pointer. */
function Connections({ node, context }: { node: FlowNode; context: CommandContext }) {
  const graph = useEditorValue((editor) => editor.graph);
  const { editor } = context;
  const outgoing = graph.outgoing.get(node.id) ?? [];
  const incoming = graph.incoming.get(node.id) ?? [];
  return (
    <div className={styles.connections}>
      <h3>Connections</h3>
      {incoming.length + outgoing.length === 0 && <p className={styles.soft}>Not connected yet.</p>}
      <ul>
        {incoming.map((edge) => (
          <li key={edge.id}>
            <span className={styles.soft}>
              {edgeRole(graph, edge) === 'subscribe' ? 'reads from' : 'written by'}
            </span>
            <NodeLink
              name={graph.nodes.get(edge.source)?.name ?? '?'}
              onClick={() => editor.select([edge.source])}
            />
          </li>
        ))}
        {outgoing.map((edge) => (
          <li key={edge.id}>
            <span className={styles.soft}>{ROLE_WORDS[edgeRole(graph, edge) ?? 'publish']}</span>
            <NodeLink
              name={graph.nodes.get(edge.target)?.name ?? '?'}
              onClick={() => editor.select([edge.target])}
            />
          </li>
        ))}
      </ul>
      {outputsOf(node).map((port) => (
        <ConnectSelect key={port.id} node={node} portId={port.id} label={port.label} context={context} />
      ))}
    </div>
  );
}

function NodeLink({ name, onClick }: { name: string; onClick: () => void }) {
  return (
    <Button variant="subtle" size="compact-xs" onClick={onClick}>
      {name}
    </Button>
  );
}

type Target = { value: string; label: string };

/** What the port may be connected to: what fits as it is first, then what needs a topic between, each by name. */
function targetsOf(graph: FlowGraph, source: string, sourcePort: string): Target[] {
  const fitting: Target[] = [];
  const withTopic: Target[] = [];
  for (const { id, name } of [...graph.nodes.values()].sort((a, b) => a.name.localeCompare(b.name))) {
    const verdict = judgeConnection(graph, { source, sourcePort, target: id });
    if (verdict.ok) fitting.push({ value: id, label: name });
    else if (verdict.reason === 'needs-topic')
      withTopic.push({ value: id, label: `${name} (with a topic between)` });
  }
  return [...fitting, ...withTopic];
}

type ConnectProps = { node: FlowNode; portId: string; label: string; context: CommandContext };

function ConnectSelect({ node, portId, label, context }: ConnectProps) {
  const graph = useEditorValue((editor) => editor.graph);
  const targets = useMemo(() => targetsOf(graph, node.id, portId), [graph, node.id, portId]);
  if (targets.length === 0) return null;
  return (
    <Select
      aria-label={`Connect ${label} of ${node.name} to`}
      placeholder={`Connect ${label.toLowerCase()} to…`}
      data={targets}
      searchable
      value={null}
      onChange={(target) => {
        if (target === null) return;
        const wire = { source: node.id, sourcePort: portId, target };
        const verdict = connectNodes(context, wire);
        if (!verdict.ok && verdict.reason === 'needs-topic') connectThroughTopic(context, wire);
      }}
      data-testid={`connect-${portId}`}
    />
  );
}
