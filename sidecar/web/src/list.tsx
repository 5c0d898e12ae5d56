import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Empty } from './empty';
import { typing } from './keys';
import type { Live, Row } from './live';
import { PHASES } from './phases';
import { go, type Route } from './route';
import { RowLine } from './row';
import { Strip } from './strip';

/** Filters that most people want, one click away. */
const CHIPS: [label: string, term: string][] = [
  ['requests', 'kind:request'],
  ['steps', 'kind:step'],
  ['errors', 'status:error'],
  ['over 1 s', 'duration>1s'],
];

function toggled(filter: string, term: string): string {
  const terms = filter.split(/\s+/).filter(Boolean);
  return (terms.includes(term) ? terms.filter((t) => t !== term) : [...terms, term]).join(' ');
}

/** What was selected when the list was left, for the way back. */
let left: string | null = null;

export function ListView({ live, route }: { live: Live; route: Route }) {
  const { rows, version } = live.state;
  const sorted = useMemo(() => [...rows.values()].sort((a, b) => b.start - a.start), [version]);
  const [selected, select] = useState<string | null>(left);
  const [more, setMore] = useState<'unknown' | 'asking' | 'none'>('unknown');
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => setMore('unknown'), [route.filter]);
  useEffect(() => {
    left = selected;
    body.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [selected]);
  useEffect(() => {
    document.title = 'Spandrel traces';
  }, []);

  // Before the next key, which may come before the browser has painted.
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (typing(event)) return;
      const at = sorted.findIndex((row) => row.id === selected);
      if (event.key === 'j' || event.key === 'ArrowDown')
        select(sorted[Math.min(at + 1, sorted.length - 1)]?.id ?? null);
      else if (event.key === 'k' || event.key === 'ArrowUp') select(sorted[Math.max(at - 1, 0)]?.id ?? null);
      else if (event.key === 'Enter' && at >= 0) go({ ...route, trace: selected });
      else if (event.key === 'Escape') select(null);
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, [sorted, selected, route]);

  const older = async () => {
    setMore('asking');
    try {
      const before = sorted.at(-1)?.start ?? '';
      const answer = await fetch(`/api/traces?q=${encodeURIComponent(route.filter)}&before=${before}`);
      const page: { rows: Row[]; more: boolean } = await answer.json();
      live.older(page.rows);
      setMore(page.more ? 'unknown' : 'none');
    } catch {
      // the connection's own banner says what is wrong
      setMore('unknown');
    }
  };

  const longest = sorted.reduce((most, row) => (row.kind === 'request' ? Math.max(most, row.duration) : most), 0);
  const requests = sorted.some((row) => row.kind === 'request');
  const ready = live.state.store !== null;
  return (
    <main class={live.state.filterError ? 'list-view paused' : 'list-view'}>
      <Strip metrics={live.state.metrics} stale={live.state.connection === 'lost'} />
      <div class="chips" role="group" aria-label="Quick filters">
        {CHIPS.map(([label, term]) => {
          const on = route.filter.split(/\s+/).includes(term);
          return (
            <button
              type="button"
              aria-pressed={on}
              title={term}
              onClick={() => go({ ...route, filter: toggled(route.filter, term) }, true)}
            >
              {label}
            </button>
          );
        })}
        <span class="legend" aria-hidden="true">
          {PHASES.map((phase) => (
            <span>
              <i class={`swatch phase-${phase}`} />
              {phase}
            </span>
          ))}
        </span>
      </div>
      {sorted.length > 0 && (
        <div class="rows" ref={body} role="table" aria-label="Traces">
          <div class="row head" role="row">
            {['Time', 'Request', 'Phases', 'Tokens', 'Queue', 'First token', 'Per token', 'Duration', 'Status'].map(
              (name) => (
                <span role="columnheader" class={`c-${name.toLowerCase().replace(' ', '-')}`}>
                  {name}
                </span>
              ),
            )}
          </div>
          {sorted.map((row) => (
            <RowLine key={row.id} row={row} route={route} longest={longest} selected={row.id === selected} />
          ))}
        </div>
      )}
      {ready && !requests && (
        <Empty filter={route.filter} any={(live.state.store?.traces ?? 0) > 0} rows={sorted.length} />
      )}
      {sorted.length >= 200 && more !== 'none' && (
        <button type="button" class="older" disabled={more === 'asking'} onClick={older}>
          Older traces
        </button>
      )}
    </main>
  );
}
