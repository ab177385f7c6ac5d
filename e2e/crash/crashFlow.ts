import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { AT_ONCE, draftFlow, nodeIdOf } from '../flows/draft.ts';

export const GENERATED = nodeIdOf('Generator');
export const INGESTED = nodeIdOf('Ingest');
export const ALL = nodeIdOf('all');
export const HANDLER = nodeIdOf('Handler');
export const HANDLED = nodeIdOf('handled');
export const LATEST = nodeIdOf('latest');
export const GRAVES = nodeIdOf('graves');
export const DIRECT_SINK = nodeIdOf('Direct');
export const DERIVED_SINK = nodeIdOf('Derived');

export const TABLE_SINK = nodeIdOf('Table');

export const DATABASE_FILE = 'rows.db';
export const DIRECT_FILE = 'direct.jsonl';
export const DERIVED_FILE = 'derived.jsonl';
/** Where the harness posts; the flow's id without its prefix is part of the address. */
export const INGEST_ADDRESS = '/ingest/crash-test/events';

const CUSTOMERS = 40;
const WEB_CUSTOMERS = 7;
/** Every key of the flow. */
export const KEYS: readonly (string | number)[] = [
  ...Array.from({ length: CUSTOMERS + 1 }, (_, customer) => customer),
  ...Array.from({ length: WEB_CUSTOMERS }, (_, customer) => webCustomer(customer)),
];
/** The key of what is posted. */
export function webCustomer(index: number): string {
  return `web-${index % WEB_CUSTOMERS}`;
}

/** One message in so many cannot be handled, until its key is cured. */
export const POISON_EVERY = 50;
/**
 * A kill that hits a message while it is alone under way counts as an attempt at it (RN3). Nobody but the poisoned may
 * end as a dead letter, so there are more attempts than kills that could hit one message in a row.
 */
const ATTEMPTS_MAX = 12;
const RETRY = { ...AT_ONCE, attemptsMax: ATTEMPTS_MAX };

/** Far more ids than are under way: a post that was sent again comes within a second or two of the first. */
const IDS_REMEMBERED = 20_000;
/** Makes the compacted topic large enough for its compaction to take a while. */
const PADDING_BYTES = 1000;

/** What makes a key able to handle its poisoned messages from then on; posted at the end, before the last redrive. */
export const CURE = 'cure';

const CODE = `export function handle(event, ctx) {
  if (event.data.${CURE}) ctx.state.set('cured', true);
  else if (event.data.poison === 0 && !ctx.state.get('cured')) throw new Error('this message cannot be handled');
  const seen = (ctx.state.get('seen') ?? 0) + 1;
  ctx.state.set('seen', seen);
  ctx.emit('handled', { ...event.data, seen });
  ctx.emit('latest', { seen, padding: 'x'.repeat(${PADDING_BYTES}) });
}
`;

/**
 * Two producers into one topic; a file and a database hold that topic as it is, another file what a handler made of it, a
 * compacted topic keeps the newest of each key, and what cannot be handled ends in a topic of dead letters, from where it is sent back. The handler has two instances,
 * works on keys side by side and passes over what it has handled before. Whatever the producers were told is on disk must
 * be answered for.
 */
export function crashFlow(ratePerSecond: number): FlowDocument {
  return draftFlow('Crash test')
    .add('generator', 'Generator', {
      ratePerSecond,
      count: null,
      eventType: 'test.generated',
      payload: JSON.stringify({
        index: '{{index}}',
        customer: `{{number.int {"max":${CUSTOMERS}}}}`,
        poison: `{{number.int {"max":${POISON_EVERY - 1}}}}`,
      }),
    })
    .add('http', 'Ingest', { path: 'events', eventType: 'test.ingested', key: 'customer' })
    .add('topic', 'all', { partitions: 3, key: 'customer' })
    .add('file', 'Direct', { path: DIRECT_FILE, content: 'cloudevents', retry: RETRY })
    .add('database', 'Table', { target: { engine: 'sqlite', file: DATABASE_FILE }, retry: RETRY })
    .add('handler', 'Handler', {
      code: CODE,
      retry: RETRY,
      afterLastAttempt: 'dead-letter',
      order: 'key',
      instances: 2,
      idempotency: { window: 'count', key: '', keys: IDS_REMEMBERED },
    })
    .add('topic', 'handled', { partitions: 3 })
    .add('topic', 'latest', { partitions: 2, cleanup: 'compact' })
    .add('topic', 'graves', { partitions: 1 })
    .add('file', 'Derived', { path: DERIVED_FILE, content: 'cloudevents', retry: RETRY })
    .wire('Generator', 'all', 'Direct')
    .wire('Ingest', 'all', 'Handler', 'handled', 'Derived')
    .wire('all', 'Table')
    .wire('Handler', 'latest')
    .wire('Handler#dead-letter', 'graves').document;
}
