import type { ReactNode } from 'react';
import { useConnectionStatus } from '../../connection/ConnectionProvider.tsx';
import { Message } from './Message.tsx';

/** A refused page can do nothing but say why; one that is merely offline stays usable. */
export function ConnectionGate({ children }: { children: ReactNode }) {
  const status = useConnectionStatus();
  if (status.state !== 'refused') return children;
  return (
    <Message
      title="The server refused this page"
      text={status.reason}
      action={{ label: 'Reload', run: () => window.location.reload() }}
    />
  );
}
