import { useMemo } from 'react';
import { useConnection } from '../connection/ConnectionProvider.tsx';
import type { InspectorPorts } from '../editor/inspector/ports.ts';
import { uploadFile } from './files.ts';

/** What the inspector needs from beyond the document: files on the server, the address of HTTP nodes. */
export function useInspectorPorts(): InspectorPorts {
  const connection = useConnection();
  return useMemo(
    () => ({
      listFiles: async () => (await connection.request('file.list', {})).files,
      uploadFile,
      ingestBase: async () => (await connection.request('server.hello', {})).ingestBase,
    }),
    [connection],
  );
}
