import type { IncomingHttpHeaders } from 'node:http';

/**
 * Who may talk to a server that runs the code people draw. Browsers send `Origin`; other programs do not, and they
 * could not be kept out by a header. A page of another site must not reach the server through its visitor's browser:
 * neither by asking directly (Origin) nor by a name that was made to point here (Host, "DNS rebinding").
 */
export type OriginPolicy = {
  /** The server listens on loopback only; then only loopback names lead to it. */
  isLoopback: boolean;
  /** Origins besides the server's own, such as a development server's. */
  allowed: readonly string[];
};

export function isHostAllowed(headers: IncomingHttpHeaders, policy: OriginPolicy): boolean {
  if (!policy.isLoopback || headers.host === undefined) return true;
  const host = urlOf(`http://${headers.host}`);
  if (host === null) return false;
  return isLoopbackName(host.hostname) || policy.allowed.some((origin) => urlOf(origin)?.host === host.host);
}

export function isOriginAllowed(headers: IncomingHttpHeaders, policy: OriginPolicy): boolean {
  const { origin } = headers;
  if (origin === undefined) return headers['sec-fetch-site'] !== 'cross-site';
  const url = urlOf(origin);
  if (url === null) return false;
  if (policy.allowed.includes(url.origin)) return true;
  return (
    headers.host !== undefined &&
    url.host === urlOf(`${url.protocol}//${headers.host}`)?.host &&
    isHostAllowed(headers, policy)
  );
}

/** 127.0.0.0/8, ::1 and `localhost` with everything below it, which browsers resolve to loopback themselves. */
export function isLoopbackName(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '').toLowerCase();
  return (
    bare === 'localhost' || bare.endsWith('.localhost') || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare)
  );
}

function urlOf(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
