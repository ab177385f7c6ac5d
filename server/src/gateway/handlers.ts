import type { REQUESTS, RequestName, ResponseOf } from '@millrace/shared/protocol/catalog.ts';
import type { z } from 'zod';
import type { Client } from './ports.ts';

/** A request after parsing, with its defaults. */
export type Parsed<Name extends RequestName> = z.output<(typeof REQUESTS)[Name]['request']>;

export type Handler<Name extends RequestName> = (
  request: Parsed<Name>,
  client: Client,
) => ResponseOf<Name> | Promise<ResponseOf<Name>>;

/** One handler per request of the catalog; a request without one does not compile. */
export type Handlers = { [Name in RequestName]: Handler<Name> };
/** The handlers of one file of `requests/`. */
export type HandlersOf<Name extends RequestName> = Pick<Handlers, Name>;
