import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

const SAMPLE_SUFFIX = '.flow.json';
const SAMPLE_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** The flows that come with Millrace, `<folder>/<name>.flow.json`. */
export type SampleLibrary = {
  list(): Promise<{ name: string; text: string }[]>;
  /** The text of one sample; NOT_FOUND. */
  read(name: string): Promise<string>;
};

export function openSampleLibrary(folder: string): SampleLibrary {
  const read = (name: string): Promise<string> => readFile(join(folder, `${name}${SAMPLE_SUFFIX}`), 'utf8');
  return {
    list: async () => {
      const entries = await readdir(folder).catch(() => []);
      const names = entries
        .filter((entry) => entry.endsWith(SAMPLE_SUFFIX))
        .map((entry) => entry.slice(0, -SAMPLE_SUFFIX.length))
        .filter((name) => SAMPLE_NAME.test(name))
        .sort();
      return Promise.all(names.map(async (name) => ({ name, text: await read(name) })));
    },
    read: async (name) => {
      const notFound = (): WorkbenchError =>
        new WorkbenchError('NOT_FOUND', `There is no sample named ${name}.`);
      if (!SAMPLE_NAME.test(name)) throw notFound();
      return read(name).catch(() => {
        throw notFound();
      });
    },
  };
}
