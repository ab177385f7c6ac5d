import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import '../ui/tokens.css';
import { MantineProvider } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { Notifications } from '@mantine/notifications';
import { ConnectionProvider } from '../connection/ConnectionProvider.tsx';
import { connect } from '../connection/connection.ts';
import { resolveVariables, theme } from '../ui/theme.ts';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { FlowPage } from './FlowPage.tsx';
import { ImportProvider } from './importing/ImportProvider.tsx';
import { ConnectionGate } from './layout/ConnectionGate.tsx';
import { Message } from './layout/Message.tsx';
import { navigate, useRoute } from './router.ts';
import { StartScreen } from './start/StartScreen.tsx';

const connection = connect();

export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={resolveVariables} defaultColorScheme="auto">
      <ModalsProvider>
        <Notifications position="bottom-right" limit={4} />
        <ErrorBoundary what="Millrace">
          <ConnectionProvider connection={connection}>
            <ConnectionGate>
              <ImportProvider>
                <Screen />
              </ImportProvider>
            </ConnectionGate>
          </ConnectionProvider>
        </ErrorBoundary>
      </ModalsProvider>
    </MantineProvider>
  );
}

function Screen() {
  const route = useRoute();
  if (route.screen === 'start') return <StartScreen />;
  if (route.screen === 'flow') return <FlowPage key={route.flowId} flowId={route.flowId} />;
  return (
    <Message
      title="There is nothing at this address"
      text={`Millrace has no page at ${route.path}.`}
      action={{ label: 'Go to the start screen', run: () => navigate({ screen: 'start' }) }}
    />
  );
}
