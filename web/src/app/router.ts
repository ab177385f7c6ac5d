import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';

export type Route =
  | { screen: 'start' }
  | { screen: 'flow'; flowId: string }
  | { screen: 'unknown'; path: string };

export function parsePath(path: string): Route {
  if (path === '/' || path === '') return { screen: 'start' };
  const match = /^\/flows\/([^/]+)\/?$/.exec(path);
  if (!match?.[1]) return { screen: 'unknown', path };
  const name = decodeURIComponent(match[1]);
  return { screen: 'flow', flowId: name.startsWith('flow:') ? name : `flow:${name}` };
}

/** The id's prefix goes without saying in an address. */
export function pathOf(route: Route): string {
  if (route.screen === 'flow') return `/flows/${encodeURIComponent(route.flowId.slice('flow:'.length))}`;
  return route.screen === 'start' ? '/' : route.path;
}

const router = createStore<Route>(() => parsePath(window.location.pathname));

window.addEventListener('popstate', () => router.setState(parsePath(window.location.pathname), true));

export function navigate(route: Route, options: { replace: boolean } = { replace: false }): void {
  const path = pathOf(route);
  if (path === window.location.pathname) return;
  if (options.replace) window.history.replaceState(null, '', path);
  else window.history.pushState(null, '', path);
  router.setState(route, true);
}

export function useRoute(): Route {
  return useStore(router);
}
