/** Where the page is, in its address: the list or a trace, the filter, the selected span. */

export interface Route {
  trace: string | null;
  span: string | null;
  filter: string;
}

export function read(): Route {
  const query = new URLSearchParams(location.search);
  const match = /^\/trace\/([0-9a-zA-Z]+)$/.exec(location.pathname);
  return { trace: match?.[1]?.toLowerCase() ?? null, span: query.get('span'), filter: query.get('q') ?? '' };
}

export function address(route: Route): string {
  const query = new URLSearchParams();
  if (route.filter) query.set('q', route.filter);
  if (route.trace && route.span) query.set('span', route.span);
  const text = query.toString();
  return (route.trace ? `/trace/${route.trace}` : '/') + (text ? `?${text}` : '');
}

/** Goes there; `replace` where Back should not lead here again. */
export function go(route: Route, replace = false): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', address(route));
  dispatchEvent(new PopStateEvent('popstate'));
}

/** For a link: our own view on a plain click, the browser's way with any modifier. */
export const follow = (route: Route) => (event: MouseEvent) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  go(route);
};
