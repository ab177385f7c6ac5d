import { STATUS_CODES } from 'node:http';
import { performance } from 'node:perf_hooks';
import { toWorkbenchError, WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';
import { OUT_PORT } from '@millrace/shared/flow/records/delivery.ts';
import type { FlowNodeOf } from '@millrace/shared/flow/records/node.ts';
import type { JsonText, Message } from '@millrace/shared/message/message.ts';
import {
  compileMessageJson,
  compileMessageText,
  compileMessageUrl,
  factsOf,
  type MessageFacts,
  type RenderedUrl,
} from '@millrace/shared/message/messageTemplate.ts';
import { isInRanges, parseStatusRanges, type StatusRanges } from '@millrace/shared/message/statusCodes.ts';
import { assertNever } from '@millrace/shared/util/assert.ts';
import type { AttemptOutcome, Delivery, Emission, Invocation } from '../../../engine/io.ts';
import { withVariables } from '../../variables.ts';
import { ended, succeeded } from '../outcomes.ts';
import type { Sink, SinkEnvironment } from '../sink.ts';
import { exchange, type HttpAnswer, type HttpRequest } from './httpClient.ts';

/** An invocation is answered in parts this long, so that what was called becomes durable before much more is. */
const YIELD_AFTER_MS = 100;
const EXCERPT_CHARS_MAX = 200;
const JSON_TYPE = 'application/json';

type Config = FlowNodeOf<'call'>['config'];

/** Calls an address for each message. Throws TEMPLATE_INVALID or VARIABLE_MISSING for what cannot be called. */
export function createCallSink({ config }: FlowNodeOf<'call'>, env: SinkEnvironment): Sink {
  return new CallSink(config, env);
}

class CallSink implements Sink {
  readonly #config: Config;
  readonly #isConnected: boolean;
  readonly #success: StatusRanges;
  readonly #url: (facts: MessageFacts) => RenderedUrl;
  readonly #headers: { name: string; value: (facts: MessageFacts) => string }[];
  readonly #body: { text: (facts: MessageFacts) => string; type: string } | null;
  readonly #keptHeaders: string[];
  readonly #closing = new AbortController();

  constructor(config: Config, { connected, variables }: SinkEnvironment) {
    this.#config = config;
    this.#isConnected = connected.has(OUT_PORT.id);
    this.#success = parseStatusRanges(config.success);
    this.#url = compileMessageUrl('URL', addressOf(withVariables('URL', config.url, variables)));
    this.#headers = config.headers.map(({ name, value }) => ({
      name: name.toLowerCase(),
      value: compileMessageText(`Header ${name}`, withVariables(`Header ${name}`, value, variables)),
    }));
    this.#body = bodyOf(config);
    this.#keptHeaders = config.responseHeaders
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== '');
  }

  async invoke({ deliveries, goesOn }: Pick<Invocation, 'deliveries' | 'goesOn'>): Promise<AttemptOutcome[]> {
    const startedMs = performance.now();
    const outcomes: AttemptOutcome[] = [];
    for (const delivery of deliveries) {
      const outcome = await this.#attempt(delivery);
      outcomes.push(outcome);
      if ((outcome.status !== 'ok' && !goesOn) || performance.now() - startedMs > YIELD_AFTER_MS) break;
    }
    return outcomes;
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #attempt({ message }: Delivery): Promise<AttemptOutcome> {
    const startedMs = performance.now();
    const { method, timeoutMs, responseBytesMax } = this.#config;
    const facts = factsOf(message);
    const url = this.#url(facts);
    if (!url.ok) return ended('rejected', startedMs, { code: 'MESSAGE_INVALID', message: url.sentence });
    try {
      const request: HttpRequest = { method, url: url.url, ...this.#content(facts) };
      const limits = { timeoutMs, bytesMax: responseBytesMax };
      const isWanted = (status: number): boolean => isInRanges(status, this.#success);
      const answer = await exchange(request, limits, isWanted, this.#closing.signal);
      if (!isWanted(answer.status)) throw new WorkbenchError('CALL_REFUSED', refusalOf(answer));
      return succeeded(startedMs, this.#isConnected ? [this.#emission(message, answer)] : []);
    } catch (thrown) {
      const { code, message: reason } = toWorkbenchError(thrown, 'CALL_FAILED');
      // The address as it was drawn: what the environment and the message put into it may be secret.
      const error = { code, message: `${method} ${this.#config.url}: ${reason}.` };
      return ended(code === 'CALL_TIMED_OUT' ? 'timed-out' : 'failed', startedMs, error);
    }
  }

  #content(facts: MessageFacts): Pick<HttpRequest, 'headers' | 'body'> {
    const headers = new Map<string, string>([['user-agent', 'millrace']]);
    if (this.#config.idempotencyKey) headers.set('idempotency-key', facts.message.id);
    if (this.#body) headers.set('content-type', this.#body.type);
    for (const { name, value } of this.#headers) headers.set(name, headerText(value(facts)));
    return { headers: [...headers], body: this.#body?.text(facts) ?? null };
  }

  #emission({ key, subject }: Message, answer: HttpAnswer): Emission {
    const kept: Record<string, string> = {};
    for (const name of this.#keptHeaders) {
      const value = answer.headers.get(name);
      if (value !== null) kept[name] = value;
    }
    const data = `{"status":${answer.status},"headers":${JSON.stringify(kept)},"body":${bodyJson(answer)}}`;
    return {
      target: OUT_PORT.id,
      data,
      key,
      ...(subject === undefined ? {} : { subject }),
      ...(this.#config.eventType === '' ? {} : { type: this.#config.eventType }),
    };
  }
}

function addressOf(url: string): string {
  if (/^https?:\/\/[^/?#{}\s]+([/?#]\S*)?$/.test(url)) return url;
  throw new WorkbenchError(
    'TEMPLATE_INVALID',
    'URL: what the environment makes of it is no http or https address.',
  );
}

function bodyOf({ method, body }: Config): { text: (facts: MessageFacts) => string; type: string } | null {
  if (method === 'GET') return null;
  switch (body.from) {
    case 'payload':
      return { text: ({ message }) => message.data, type: JSON_TYPE };
    case 'json':
      return { text: compileMessageJson('Body', body.template), type: JSON_TYPE };
    case 'text':
      return { text: compileMessageText('Body', body.template), type: 'text/plain; charset=utf-8' };
    case 'none':
      return null;
    default:
      return assertNever(body, 'body');
  }
}

/** Headers hold plain ASCII on one line; the rest is encoded as in an address. */
function headerText(text: string): string {
  return text.toWellFormed().replaceAll(/[^\x20-\x7e]+/g, (rest) => encodeURIComponent(rest));
}

/** JSON goes on as it came, byte for byte; anything else as a text, nothing as null. */
function bodyJson({ headers, body }: HttpAnswer): JsonText {
  if (body === '') return 'null';
  if (/[/+]json\b/i.test(headers.get('content-type') ?? '') && isJson(body)) return body;
  return JSON.stringify(body);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function refusalOf({ status, headers, body }: HttpAnswer): string {
  const excerpt = body.replaceAll(/\s+/g, ' ').trim().slice(0, EXCERPT_CHARS_MAX);
  const location = headers.get('location')?.split(/[?#]/, 1)[0];
  const retryAfter = headers.get('retry-after');
  return [
    `the answer was ${status}${STATUS_CODES[status] ? ` ${STATUS_CODES[status]}` : ''}`,
    ...(location === undefined ? [] : [`it points to ${location}, and redirects are not followed`]),
    ...(retryAfter === null ? [] : [`it asks to wait: Retry-After is ${retryAfter}`]),
    ...(excerpt === '' ? [] : [`it says “${excerpt}”`]),
  ].join('; ');
}
