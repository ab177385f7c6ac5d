import { Button, Group, Text } from '@mantine/core';
import type { Command } from '../../editor/commands/command.ts';
import { commandById } from '../../editor/commands/registry.ts';
import styles from './EmptyCanvas.module.css';

/** What to do with a flow that has nothing in it yet. */
export function EmptyCanvas({ perform }: { perform: (command: Command) => void }) {
  return (
    <div className={styles.empty} data-testid="empty-canvas">
      <Text fw={620} size="md">
        Start with something that sends messages
      </Text>
      <ol className={styles.steps}>
        <li>
          Add a <b>producer</b>: drag one from the left, or use a button below.
        </li>
        <li>
          Pull from the dot on its right into empty space and choose the <b>topic</b> that keeps its messages.
        </li>
        <li>
          Pull from the topic to add a <b>consumer</b> that reads them. Then press Run.
        </li>
      </ol>
      <Group gap="xs">
        <Button onClick={() => perform(commandById('add-generator'))}>Add a generator</Button>
        <Button variant="default" onClick={() => perform(commandById('add-replay'))}>
          Replay a file
        </Button>
        <Button variant="default" onClick={() => perform(commandById('add-http'))}>
          Take HTTP posts
        </Button>
      </Group>
    </div>
  );
}
