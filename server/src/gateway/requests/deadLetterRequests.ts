import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { HandlersOf } from '../handlers.ts';

export function deadLetterRequests(): HandlersOf<'deadLetters.causes'> {
  return {
    'deadLetters.causes': () => {
      throw new WorkbenchError('REQUEST_UNKNOWN', 'This server does not know deadLetters.causes.');
    },
  };
}
