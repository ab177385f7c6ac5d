import { ActionIcon, Badge, Button, Group, Menu, Modal, Stack, Text, TextInput } from '@mantine/core';
import type { FlowSummary } from '@millrace/shared/protocol/entities.ts';
import { CopyPlus, Ellipsis, PencilLine, Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { useConnection } from '../../connection/ConnectionProvider.tsx';
import { CLIENT_ID, randomToken } from '../../connection/clientId.ts';
import { attempt, showDone } from '../notices.ts';
import { navigate, pathOf } from '../router.ts';
import styles from './start.module.css';
import { Thumbnail } from './Thumbnail.tsx';

/** A flow on the start screen, with what can be done to it from outside. */
export function FlowCard({ flow }: { flow: FlowSummary }) {
  const connection = useConnection();
  const [dialog, setDialog] = useState<'rename' | 'delete' | null>(null);
  const route = { screen: 'flow', flowId: flow.id } as const;
  return (
    <article className={styles.card} data-testid={`flow-${flow.id}`}>
      <a
        href={pathOf(route)}
        className={styles.cardLink}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          navigate(route);
        }}
      >
        <span className="mr-visually-hidden">Open {flow.name}</span>
      </a>
      <Thumbnail drawn={flow.thumbnail} />
      <div className={styles.cardBody}>
        <span className={styles.cardTitle}>
          <span className={styles.cardName}>{flow.name}</span>
          {flow.activeRunId !== null && (
            <Badge size="xs" className={styles.running} data-testid="running">
              running
            </Badge>
          )}
        </span>
        <span className={styles.cardFacts}>
          <span>
            {flow.nodes === 1 ? '1 node' : `${flow.nodes} nodes`}
            {flow.version > 0 && `, v${flow.version}`}, {agoText(flow.updatedMs)}
          </span>
        </span>
      </div>
      <Menu>
        <Menu.Target>
          <ActionIcon
            className={styles.cardMenu}
            aria-label={`More about ${flow.name}`}
            data-testid="flow-menu"
          >
            <Ellipsis size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<PencilLine size={14} />} onClick={() => setDialog('rename')}>
            Rename…
          </Menu.Item>
          <Menu.Item
            leftSection={<CopyPlus size={14} />}
            onClick={() =>
              attempt('Duplicate the flow', () => connection.request('flow.duplicate', { flowId: flow.id }))
            }
          >
            Duplicate
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<Trash2 size={14} />} onClick={() => setDialog('delete')}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {dialog === 'rename' && <RenameDialog flow={flow} onClose={() => setDialog(null)} />}
      {dialog === 'delete' && <DeleteDialog flow={flow} onClose={() => setDialog(null)} />}
    </article>
  );
}

type DialogProps = { flow: FlowSummary; onClose: () => void };

function RenameDialog({ flow, onClose }: DialogProps) {
  const connection = useConnection();
  const [name, setName] = useState(flow.name);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    attempt('Rename the flow', async () => {
      const { document } = await connection.request('flow.open', { flowId: flow.id });
      const { id, description, settings } = document;
      await connection.request('flow.patch', {
        flowId: flow.id,
        clientId: CLIENT_ID,
        patchId: randomToken(),
        patch: { put: [{ type: 'flow', id, name: name.trim(), description, settings }], remove: [] },
      });
      onClose();
    });
  };
  return (
    <Modal opened onClose={onClose} title="Rename the flow" size="sm">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label="Name"
            value={name}
            maxLength={120}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={name.trim() === ''}>
              Rename
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function DeleteDialog({ flow, onClose }: DialogProps) {
  const connection = useConnection();
  return (
    <Modal opened onClose={onClose} title={`Delete ${flow.name}?`} size="sm">
      <Stack gap="sm">
        <Text size="sm">
          The drawing, its {flow.version === 0 ? 'draft' : 'published versions'} and its runs are deleted for
          good. Export it first if you may want it back.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button
            color="red"
            data-testid="confirm-delete"
            onClick={() => {
              onClose();
              attempt('Delete the flow', async () => {
                await connection.request('flow.delete', { flowId: flow.id });
                showDone(`Deleted ${flow.name}.`);
              });
            }}
          >
            Delete
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

function agoText(timeMs: number): string {
  const ago = Date.now() - timeMs;
  for (const [unit, lengthMs] of UNITS) {
    if (ago >= lengthMs) {
      const count = Math.floor(ago / lengthMs);
      if (unit === 'day' && count > 30) return new Date(timeMs).toLocaleDateString('en-CA');
      return relative.format(-count, unit);
    }
  }
  return 'just now';
}
