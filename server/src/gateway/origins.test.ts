import { describe, expect, it } from 'vitest';
import { isHostAllowed, isLoopbackName, isOriginAllowed } from './origins.ts';

const loopback = { isLoopback: true, allowed: ['http://localhost:5173'] };
const open = { isLoopback: false, allowed: [] };

describe('who may use the server', () => {
  it.each([
    ['its own page', { host: '127.0.0.1:4100', origin: 'http://127.0.0.1:4100' }, true],
    ['its own page by name', { host: 'localhost:4100', origin: 'http://localhost:4100' }, true],
    ['a program that is no browser', { host: '127.0.0.1:4100' }, true],
    ['an allowed development server', { host: '127.0.0.1:4100', origin: 'http://localhost:5173' }, true],
    ['another port of this machine', { host: '127.0.0.1:4100', origin: 'http://127.0.0.1:9999' }, false],
    ['another site', { host: '127.0.0.1:4100', origin: 'https://evil.example' }, false],
    ['a sandboxed frame', { host: '127.0.0.1:4100', origin: 'null' }, false],
    [
      'a name that was made to point here',
      { host: 'evil.example:4100', origin: 'http://evil.example:4100' },
      false,
    ],
    ['a browser that hides the origin', { host: '127.0.0.1:4100', 'sec-fetch-site': 'cross-site' }, false],
  ])('%s', (_who, headers, expected) => {
    expect(isOriginAllowed(headers, loopback)).toBe(expected);
  });

  it('serves any name once it listens to the network, but still only its own page', () => {
    expect(isHostAllowed({ host: 'workbench.lan:4100' }, open)).toBe(true);
    expect(isOriginAllowed({ host: 'workbench.lan:4100', origin: 'http://workbench.lan:4100' }, open)).toBe(
      true,
    );
    expect(isOriginAllowed({ host: 'workbench.lan:4100', origin: 'http://evil.example' }, open)).toBe(false);
  });

  it('knows loopback by all its names', () => {
    for (const name of ['127.0.0.1', '127.8.9.1', 'localhost', 'app.localhost', '::1', '[::1]'])
      expect(isLoopbackName(name)).toBe(true);
    for (const name of ['127.0.0.1.evil.example', 'localhost.evil.example', '0.0.0.0', '10.0.0.1'])
      expect(isLoopbackName(name)).toBe(false);
  });
});
