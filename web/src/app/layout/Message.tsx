import { Button, Center, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

type Props = {
  title: string;
  text: string;
  action?: { label: string; run: () => void };
  children?: ReactNode;
};

/** A page that has one thing to say. */
export function Message({ title, text, action, children }: Props) {
  return (
    <Center h="100%" p="xl">
      <Stack gap="sm" maw={460} role="alert">
        <Title order={3}>{title}</Title>
        <Text c="dimmed">{text}</Text>
        {children}
        {action && (
          <Button onClick={action.run} size="sm" style={{ alignSelf: 'start' }}>
            {action.label}
          </Button>
        )}
      </Stack>
    </Center>
  );
}
