import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

// jsdom has no layout and leaves these out; Mantine and the resizable panels ask for them while rendering.
class NoLayoutObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
  takeRecords(): [] {
    return [];
  }
}

const noMatch = (query: string): MediaQueryList => ({
  matches: false,
  media: query,
  onchange: null,
  addListener: () => {},
  removeListener: () => {},
  addEventListener: () => {},
  removeEventListener: () => {},
  dispatchEvent: () => false,
});

Object.assign(window, {
  ResizeObserver: NoLayoutObserver,
  IntersectionObserver: NoLayoutObserver,
  matchMedia: noMatch,
});
Element.prototype.scrollIntoView ??= () => {};

afterEach(cleanup);
