import { createContext, type ReactNode, use } from 'react';
import { useStore } from 'zustand';
import type { Connection, ConnectionStatus } from './connection.ts';

const ConnectionContext = createContext<Connection | null>(null);

export function ConnectionProvider({
  connection,
  children,
}: {
  connection: Connection;
  children: ReactNode;
}) {
  return <ConnectionContext value={connection}>{children}</ConnectionContext>;
}

export function useConnection(): Connection {
  const connection = use(ConnectionContext);
  if (!connection) throw new Error('Invariant broken: useConnection outside ConnectionProvider');
  return connection;
}

export function useConnectionStatus(): ConnectionStatus {
  return useStore(useConnection().status);
}
