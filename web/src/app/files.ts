import { errorDataSchema, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { z } from 'zod';

export type UploadOptions = { onProgress: (fraction: number) => void; signal: AbortSignal };

const failureSchema = z.object({ error: errorDataSchema });

/** Letters, digits, dots, dashes and underscores: what the server takes as a file name. */
export function safeFileName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return safe === '' ? 'upload.jsonl' : safe.slice(-128);
}

/** Sends a data file to the server. XMLHttpRequest, because fetch still cannot tell how much has been sent. */
export function uploadFile(file: File, { onProgress, signal }: UploadOptions): Promise<string> {
  const name = safeFileName(file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', `/api/files/${encodeURIComponent(name)}`);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      onProgress(total > 0 ? loaded / total : 0),
    );
    request.addEventListener('load', () => {
      if (request.status < 300) resolve(name);
      else reject(failureOf(request));
    });
    request.addEventListener('error', () =>
      reject(
        new WorkbenchError('TIMED_OUT', 'The upload broke off. Check the server and try again.', {
          retryable: true,
        }),
      ),
    );
    request.addEventListener('abort', () =>
      reject(new DOMException('The upload was cancelled.', 'AbortError')),
    );
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}

function failureOf(request: XMLHttpRequest): WorkbenchError {
  try {
    const body: unknown = JSON.parse(request.responseText);
    const wrapped = failureSchema.safeParse(body);
    return WorkbenchError.fromData(wrapped.success ? wrapped.data.error : errorDataSchema.parse(body));
  } catch {
    return new WorkbenchError('INTERNAL', `The server answered the upload with ${request.status}.`);
  }
}

export function download(content: Blob, fileName: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // The browser reads the blob after the click has returned.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
