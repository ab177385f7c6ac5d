import { Center, Loader } from '@mantine/core';
import { EditorProvider } from '../editor/binding/EditorProvider.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { Message } from './layout/Message.tsx';
import { Workbench } from './layout/Workbench.tsx';
import { navigate } from './router.ts';
import { useOpenFlow } from './useOpenFlow.ts';

const toStart = { label: 'Go to the start screen', run: () => navigate({ screen: 'start' }) };

export function FlowPage({ flowId }: { flowId: string }) {
  const { flow, retry } = useOpenFlow(flowId);
  switch (flow.state) {
    case 'opening':
      return (
        <Center h="100%">
          <Loader size="sm" aria-label="Opening the flow" />
        </Center>
      );
    case 'deleted':
      return (
        <Message
          title="This flow was deleted"
          text="Somebody deleted it in another tab or through the API. What you had open here is gone from the server too."
          action={toStart}
        />
      );
    case 'failed':
      return flow.error.code === 'FLOW_NOT_FOUND' ? (
        <Message
          title="There is no such flow"
          text="It may have been deleted, or the address is not complete."
          action={toStart}
        />
      ) : (
        <Message
          title="The flow could not be opened"
          text={flow.error.message}
          action={{ label: 'Try again', run: retry }}
        />
      );
    case 'open':
      return (
        <ErrorBoundary what="the flow">
          <EditorProvider editor={flow.editor}>
            <Workbench editor={flow.editor} />
          </EditorProvider>
        </ErrorBoundary>
      );
  }
}
