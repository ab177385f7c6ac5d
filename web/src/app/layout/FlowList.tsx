import { ActionIcon, Tooltip } from '@mantine/core';
import { Plus } from 'lucide-react';
import { commandById } from '../../editor/commands/registry.ts';
import { navigate, pathOf } from '../router.ts';
import { useSession } from '../session.ts';
import type { Commanding } from '../useCommandContext.ts';
import { useFlowList } from '../useFlowList.ts';
import styles from './LeftPanel.module.css';

/** The other flows, one click away. */
export function FlowList({ perform }: Commanding) {
  const { flows } = useFlowList();
  const current = useSession((state) => state.flowId);
  return (
    <nav aria-label="Flows" className={styles.flows}>
      <div className={styles.heading}>
        <h3>Flows</h3>
        <Tooltip label="New flow">
          <ActionIcon size={22} aria-label="New flow" onClick={() => perform(commandById('new-flow'))}>
            <Plus size={14} />
          </ActionIcon>
        </Tooltip>
      </div>
      {flows?.map((flow) => (
        <a
          key={flow.id}
          className={styles.flow}
          href={pathOf({ screen: 'flow', flowId: flow.id })}
          aria-current={flow.id === current ? 'page' : undefined}
          title={flow.description === '' ? flow.name : flow.description}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return;
            event.preventDefault();
            navigate({ screen: 'flow', flowId: flow.id });
          }}
        >
          <span className={styles.flowText}>{flow.name}</span>
          {flow.activeRunId !== null && (
            <span className={styles.running} role="img" aria-label="running" title="A run is in progress" />
          )}
        </a>
      ))}
    </nav>
  );
}
