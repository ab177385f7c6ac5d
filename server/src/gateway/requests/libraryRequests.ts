import { PROTOCOL_NUMBER } from '@millrace/shared/protocol/version.ts';
import type { FileLibrary } from '../../storage/fileLibrary.ts';
import type { SampleLibrary } from '../../storage/sampleLibrary.ts';
import { readFlowInput } from '../flowInput.ts';
import { type Flows, thumbnailOf } from '../flows.ts';
import type { HandlersOf } from '../handlers.ts';

export type LibraryRequestsOptions = {
  flows: Flows;
  samples: SampleLibrary;
  files: FileLibrary;
  version: string;
  ingestBase(): string;
};

/** What Millrace brings along: itself, its samples and the files to replay. */
export function libraryRequests({
  flows,
  samples,
  files,
  version,
  ingestBase,
}: LibraryRequestsOptions): HandlersOf<
  'server.hello' | 'sample.list' | 'flow.createFromSample' | 'file.list'
> {
  return {
    'server.hello': () => ({ version, protocol: PROTOCOL_NUMBER, ingestBase: ingestBase() }),
    'sample.list': async () => {
      const all = await samples.list();
      return {
        samples: all.map(({ name, text }) => {
          const document = readFlowInput(text);
          return {
            name,
            title: document.name,
            description: document.description,
            nodes: document.nodes.length,
            thumbnail: thumbnailOf(document),
          };
        }),
      };
    },
    'flow.createFromSample': async ({ name }, client) => {
      const state = flows.import(await samples.read(name), { keepId: false });
      client.openFlow(state.document.id);
      return state;
    },
    'file.list': async () => ({ files: await files.list() }),
  };
}
