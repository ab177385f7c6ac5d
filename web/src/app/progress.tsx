import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';

/** Quick work would only flicker. */
const SHOW_AFTER_MS = 250;

/** Shows that something takes a while, with a way to stop it. The returned function ends the display. */
export function showProgress(message: string, cancel: () => void): () => void {
  let shown: string | null = null;
  const timer = setTimeout(() => {
    shown = notifications.show({
      loading: true,
      autoClose: false,
      withCloseButton: false,
      message: (
        <Group justify="space-between" wrap="nowrap">
          <Text size="sm">{message}</Text>
          <Button variant="default" size="compact-xs" onClick={cancel}>
            Cancel
          </Button>
        </Group>
      ),
    });
  }, SHOW_AFTER_MS);
  return () => {
    clearTimeout(timer);
    if (shown !== null) notifications.hide(shown);
  };
}
