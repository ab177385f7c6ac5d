import { Button, Code, Group, Stack, Text, Title } from '@mantine/core';
import { Component, type ErrorInfo, type ReactNode } from 'react';

type Props = {
  /** What broke, as the middle of a sentence: "the inspector". */
  what: string;
  children: ReactNode;
  /** A change of this value tries again, for instance another selection. */
  resetKey?: unknown;
};
type State = { error: Error | null; resetKey: unknown };

/** A part of the page that fails says so and leaves the rest alone. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: null, resetKey: this.props.resetKey };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  static getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    return props.resetKey === state.resetKey ? null : { error: null, resetKey: props.resetKey };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(`Millrace could not show ${this.props.what}.`, error, info.componentStack);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Stack p="lg" gap="sm" role="alert" maw={560}>
        <Title order={4}>Something went wrong in {this.props.what}</Title>
        <Text size="sm" c="dimmed">
          Your flow is safe: it is kept by the server, record by record. Try again, or reload the page.
        </Text>
        <Code block>{error.message}</Code>
        <Group gap="xs">
          <Button onClick={() => this.setState({ error: null })}>Try again</Button>
          <Button variant="default" onClick={() => window.location.reload()}>
            Reload the page
          </Button>
        </Group>
      </Stack>
    );
  }
}
