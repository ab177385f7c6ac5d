export type DataFile = { name: string; bytes: number; builtIn: boolean };

/** What the inspector asks of the page around it; the page knows the server. */
export interface InspectorPorts {
  listFiles(): Promise<DataFile[]>;
  /** Resolves with the name under which the server keeps the file. */
  uploadFile(
    file: File,
    options: { onProgress: (fraction: number) => void; signal: AbortSignal },
  ): Promise<string>;
  ingestBase(): Promise<string>;
}
