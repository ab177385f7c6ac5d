import { TRACE_FRAME_EVENT } from '@millrace/shared/protocol/catalog.ts';
import { FrameView } from '@millrace/shared/trace/frameView.ts';
import { connectPage } from '../../src/gateway/testing/testServer.ts';

/** Stands for an open page in the benchmark of the stream: `reads` acknowledges frames, `sleeps` never does. */
const [address = '', mode = 'reads'] = process.argv.slice(2);

const page = await connectPage(address, `bench-${mode}`);
// What a page has heard is kept for tests to look at; here it would be the whole stream.
page.socket.offAny();
let records = 0;
let frames = 0;
let skipped = 0;
page.socket.on(
  TRACE_FRAME_EVENT,
  (_runId: string, leftOut: number, frame: Uint8Array, acknowledge: () => void) => {
    frames++;
    skipped += leftOut;
    records += new FrameView(new Uint8Array(frame)).count;
    if (mode === 'reads') acknowledge();
  },
);
await page.ask('run.watch', { runId: 'run:bench', afterSeq: null, traces: true, logs: false });
process.on('message', () =>
  process.send?.({ type: 'figures', atMs: performance.now(), records, frames, skipped }),
);
process.on('disconnect', () => process.exit(0));
process.send?.({ type: 'ready' });
