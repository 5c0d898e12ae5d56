import { useEffect, useRef } from 'preact/hooks';
import { bytes, count } from './format';
import { typing } from './keys';
import type { LiveState } from './live';
import { address, follow, go, type Route } from './route';

const SAYS = { connecting: 'connecting', open: 'live', lost: 'lost', paused: 'paused' } as const;

function Mark() {
  return (
    <svg class="logo" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M3 17V3h14" />
      <path class="arc" d="M3 17C3 9.3 9.3 3 17 3" />
    </svg>
  );
}

interface Props {
  live: LiveState;
  route: Route;
  inTrace: boolean;
  open: () => void;
  help: () => void;
}

export function Header({ live, route, inTrace, open, help }: Props) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.key === '/' && !typing(event)) {
        event.preventDefault();
        box.current?.focus();
        box.current?.select();
      } else if (event.key === 'Escape' && event.target === box.current) {
        event.stopImmediatePropagation();
        box.current?.blur();
      }
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, []);
  const filter = (text: string) => go({ trace: null, span: null, filter: text }, !inTrace);
  const home: Route = { trace: null, span: null, filter: '' };
  const bad = live.filterError !== '';
  return (
    <header class="top">
      <a class="home" href={address(home)} onClick={follow(home)}>
        <Mark />
        <span>Spandrel</span>
      </a>
      <div class={bad ? 'filter bad' : 'filter'}>
        <input
          ref={box}
          type="search"
          value={route.filter}
          maxLength={1000}
          spellcheck={false}
          autocomplete="off"
          aria-label="Filter"
          aria-invalid={bad}
          placeholder="Filter: status:error  duration>250ms  gen_ai.request.model=…"
          onInput={(event) => filter(event.currentTarget.value)}
        />
        <kbd aria-hidden="true">/</kbd>
        {bad && (
          <p class="filter-error" role="alert">
            {live.filterError}
          </p>
        )}
      </div>
      <div class="tools">
        {live.store && (
          <span
            class="fill"
            title={`${count(live.store.traces)} traces in memory, ${count(live.store.evicted)} gone to make room`}
          >
            {live.store.traces === 1 ? '1 trace' : `${count(live.store.traces)} traces`} · {bytes(live.store.bytes)}
          </span>
        )}
        {live.notShown > 0 && (
          <span
            class="fill warn"
            title="Requests that came too fast to be shown; they were kept and forwarded all the same"
          >
            {count(live.notShown)} not shown
          </span>
        )}
        <span class={`connection ${live.connection}`} role="status">
          {SAYS[live.connection]}
        </span>
        <button type="button" onClick={open} title="Look at an OTLP JSON file (O); or drop or paste one anywhere">
          Open file
        </button>
        <button type="button" onClick={help} title="Keys and filter syntax (?)" aria-label="Help">
          ?
        </button>
      </div>
    </header>
  );
}
