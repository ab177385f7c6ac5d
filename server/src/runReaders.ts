import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import type { RunReaders } from './gateway/ports.ts';

export const runReaders: RunReaders = {
  openTraces: () => {
    throw new WorkbenchError('NOT_FOUND', 'no traces');
  },
  openTopics: () => {
    throw new WorkbenchError('NOT_FOUND', 'no topics');
  },
};
