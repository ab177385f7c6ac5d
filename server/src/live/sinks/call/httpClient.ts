import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

export type HttpRequest = {
  method: string;
  url: string;
  headers: readonly [string, string][];
  body: string | null;
};

export type HttpAnswer = { status: number; headers: Headers; body: string };

export type HttpLimits = { timeoutMs: number; bytesMax: number };

/** Read of an answer that is refused, for the sentence about it. */
const EXCERPT_BYTES_MAX = 4096;

/**
 * One exchange over HTTP. Redirects are answers like any other: following one would send the message, and what stands in
 * its headers, to somebody whom the drawing does not name. Throws CALL_TIMED_OUT, CALL_FAILED, or what `signal` says.
 */
export async function exchange(
  request: HttpRequest,
  limits: HttpLimits,
  isWanted: (status: number) => boolean,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const timeout = AbortSignal.timeout(limits.timeoutMs);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers.map(([name, value]): [string, string] => [name, value]),
      body: request.body,
      redirect: 'manual',
      signal: AbortSignal.any([timeout, signal]),
    });
    const body = isWanted(response.status)
      ? await readWhole(response, limits.bytesMax)
      : await readExcerpt(response);
    return { status: response.status, headers: response.headers, body };
  } catch (thrown) {
    if (thrown instanceof WorkbenchError || signal.aborted) throw thrown;
    if (timeout.aborted) {
      throw new WorkbenchError(
        'CALL_TIMED_OUT',
        `there was no whole answer within ${limits.timeoutMs} ms. Raise the time limit, or look at why it takes so long`,
      );
    }
    throw new WorkbenchError('CALL_FAILED', reasonOf(thrown), { cause: thrown });
  }
}

async function readWhole(response: Response, bytesMax: number): Promise<string> {
  const { text, isWhole } = await readUpTo(response, bytesMax);
  if (isWhole) return text;
  throw new WorkbenchError(
    'CALL_FAILED',
    `the answer takes more than ${bytesMax} bytes. Raise the largest answer, or ask for less`,
  );
}

async function readExcerpt(response: Response): Promise<string> {
  return (await readUpTo(response, EXCERPT_BYTES_MAX)).text;
}

async function readUpTo(response: Response, bytesMax: number): Promise<{ text: string; isWhole: boolean }> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    const room = bytesMax - bytes;
    bytes += chunk.byteLength;
    text += decoder.decode(chunk.subarray(0, room), { stream: true });
    // Leaving the loop closes the connection; the rest is not read.
    if (bytes > bytesMax) return { text, isWhole: false };
  }
  return { text: text + decoder.decode(), isWhole: true };
}

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there. Start it, or correct the address',
  ENOTFOUND: 'there is no machine of that name. Correct the address',
  EAI_AGAIN: 'the name of the machine cannot be looked up now',
  ECONNRESET: 'the connection was closed before the answer was whole',
  UND_ERR_SOCKET: 'the connection was closed before the answer was whole',
  EHOSTUNREACH: 'there is no way to that machine',
  ENETUNREACH: 'there is no way to that machine',
  EPIPE: 'the connection was closed while the message was being sent',
  UND_ERR_CONNECT_TIMEOUT: 'the machine does not answer',
};

/** `fetch` says "fetch failed"; what failed is in its cause. */
function reasonOf(thrown: unknown): string {
  for (let at: unknown = thrown; at instanceof Error; at = at.cause) {
    const code = (at as NodeJS.ErrnoException).code;
    if (typeof code === 'string' && code in SENTENCES) return SENTENCES[code] as string;
    // One failure for each address of a name with several.
    const [first] = at instanceof AggregateError ? (at.errors as unknown[]) : [];
    if (first !== undefined) return reasonOf(first);
    if (at.cause === undefined) return at.message;
  }
  return String(thrown);
}
