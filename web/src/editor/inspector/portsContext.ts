import { createContext, use } from 'react';
import type { InspectorPorts } from './ports.ts';

export const InspectorPortsContext = createContext<InspectorPorts | null>(null);

export function useInspectorPorts(): InspectorPorts {
  const ports = use(InspectorPortsContext);
  if (!ports) throw new Error('Invariant broken: useInspectorPorts outside the inspector');
  return ports;
}
