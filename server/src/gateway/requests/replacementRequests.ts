import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { HandlersOf } from '../handlers.ts';

const unknown = (name: string) => () => {
  throw new WorkbenchError('REQUEST_UNKNOWN', `This server does not know ${name}.`);
};

export function replacementRequests(): HandlersOf<'run.previewReplacement' | 'run.replace' | 'run.fork'> {
  return {
    'run.previewReplacement': unknown('run.previewReplacement'),
    'run.replace': unknown('run.replace'),
    'run.fork': unknown('run.fork'),
  };
}
