import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { Detail } from './detail';
import { facts } from './facts';
import { duration, isoTime } from './format';
import { Head, type HeadProps } from './head';
import { typing } from './keys';
import type { Row } from './live';
import { Minimap } from './minimap';
import { parseTraces, type Trace } from './otlp';
import { address, type Route } from './route';
import { flatten, tree } from './tree';
import { Waterfall, type View } from './waterfall';

interface Props {
  route: Route;
  /** The trace's line in the list, where it is there: it tells when more of it came. */
  row?: Row | undefined;
  /** Traces out of a file instead. */
  traces?: Trace[];
  close: () => void;
}

/** Loads a trace and loads it again when it grew. */
function useTrace(id: string | null, spans: number | undefined) {
  const [trace, setTrace] = useState<Trace | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    if (!id) return;
    const abort = new AbortController();
    fetch(`/api/traces/${id}`, { signal: abort.signal })
      .then(async (answer) => {
        if (!answer.ok) throw new Error((await answer.json()).error);
        setTrace(parseTraces(await answer.text())[0] ?? null);
        setError('');
      })
      .catch((e: Error) => abort.signal.aborted || setError(e.message));
    return () => abort.abort();
  }, [id, spans]);
  return { trace, error };
}

/** Lines of the traces that point at this one: the engine's steps that computed it. */
function useLinking(id: string | null, spans: number | undefined): Row[] {
  const [rows, setRows] = useState<Row[]>([]);
  useEffect(() => {
    if (!id) return;
    fetch(`/api/traces/${id}/linking`)
      .then(async (answer) => setRows((await answer.json()).rows))
      .catch(() => setRows([]));
  }, [id, spans]);
  return rows;
}

export function TraceView({ route, row, traces, close }: Props) {
  const loaded = useTrace(traces ? null : route.trace, row?.spans);
  const linking = useLinking(traces ? null : route.trace, row?.spans);
  const [chosen, choose] = useState(0);
  const trace = traces ? (traces[chosen] ?? null) : loaded.trace;
  useEffect(() => {
    const name = trace?.spans.find((span) => span.parentId === '')?.name;
    document.title = name ? `${name} · Spandrel traces` : 'Spandrel traces';
  }, [trace]);
  if (!trace) {
    return (
      <main class="trace-view">
        <EscapeTo close={close} />
        {loaded.error ? (
          <section class="empty">
            <h2>This trace is not here</h2>
            <p>{loaded.error}</p>
            <button type="button" onClick={close}>
              All traces
            </button>
          </section>
        ) : null}
      </main>
    );
  }
  return (
    <main class="trace-view">
      {traces && traces.length > 1 && (
        <label class="picker">
          From the file:
          <select value={chosen} onChange={(event) => choose(Number(event.currentTarget.value))}>
            {traces.map((one, i) => (
              <option value={i}>
                {tree(one.spans)[0]?.span.name} · {duration(one.duration)} · {one.spans.length} spans ·{' '}
                {isoTime(one.start)}
              </option>
            ))}
          </select>
        </label>
      )}
      <Loaded
        key={trace.id}
        trace={trace}
        route={route}
        linking={linking}
        fromFile={traces !== undefined}
        close={close}
      />
    </main>
  );
}

function EscapeTo({ close }: { close: () => void }) {
  useEffect(() => {
    const key = (event: KeyboardEvent) => event.key === 'Escape' && !typing(event) && close();
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, []);
  return null;
}

function Loaded({ trace, route, linking, fromFile, close }: HeadProps) {
  const tops = useMemo(() => tree(trace.spans), [trace]);
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const nodes = useMemo(() => flatten(tops, collapsed), [tops, collapsed]);
  const [selected, setSelected] = useState<string | null>(route.span);
  const [detail, setDetail] = useState(route.span !== null);
  const whole: View = { from: 0, to: Math.max(trace.duration, 1e-6) };
  const [zoom, setView] = useState<View | null>(null);
  const view = zoom ?? whole;

  const select = (id: string | null, open = detail) => {
    setSelected(id);
    setDetail(open && id !== null);
    if (!fromFile) history.replaceState(null, '', address({ ...route, span: id }));
  };
  const toggle = (id: string, shut = !collapsed.has(id)) => {
    const next = new Set(collapsed);
    if (shut) next.add(id);
    else next.delete(id);
    setCollapsed(next);
  };
  const zoomBy = (factor: number) => {
    const at = nodes.find((n) => n.span.id === selected)?.span;
    const middle = at ? (at.start + at.end) / 2 : (view.from + view.to) / 2;
    const half = Math.max(((view.to - view.from) * factor) / 2, 5e-4);
    const next = { from: Math.max(0, middle - half), to: Math.min(whole.to, middle + half) };
    setView(next.from <= 0 && next.to >= whole.to ? null : next);
  };

  // Before the next key, which may come before the browser has painted.
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (typing(event)) return;
      const at = nodes.findIndex((node) => node.span.id === selected);
      const node = nodes[at];
      const step = (to: number) => select(nodes[Math.min(Math.max(to, 0), nodes.length - 1)]?.span.id ?? null);
      const keys: Record<string, () => void> = {
        j: () => step(at + 1),
        ArrowDown: () => step(at + 1),
        k: () => step(at - 1),
        ArrowUp: () => step(at - 1),
        h: () => node && toggle(node.span.id, true),
        ArrowLeft: () => node && toggle(node.span.id, true),
        l: () => node && toggle(node.span.id, false),
        ArrowRight: () => node && toggle(node.span.id, false),
        Enter: () => node && select(node.span.id, !detail),
        '+': () => zoomBy(0.5),
        '=': () => zoomBy(0.5),
        '-': () => zoomBy(2),
        '0': () => setView(null),
        e: () => {
          const errors = nodes.filter((n) => n.span.error);
          const next = errors.find((n) => nodes.indexOf(n) > at) ?? errors[0];
          if (next) select(next.span.id, true);
        },
        Escape: () => (detail ? select(selected, false) : selected ? select(null) : zoom ? setView(null) : close()),
      };
      const action = keys[event.key];
      if (!action || (event.key === 'Enter' && event.target instanceof Element && event.target.closest('a, button')))
        return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  });

  const shown = nodes.find((node) => node.span.id === selected) ?? null;
  return (
    <>
      <Head trace={trace} route={route} linking={linking} fromFile={fromFile} close={close} />
      <Minimap nodes={nodes} duration={whole.to} view={view} zoomed={zoom !== null} setView={setView} />
      <div class={detail && shown ? 'split with-detail' : 'split'}>
        <Waterfall
          trace={trace}
          nodes={nodes}
          view={view}
          setView={setView}
          collapsed={collapsed}
          toggle={toggle}
          selected={selected}
          select={(id) => select(id, !(detail && id === selected))}
          firstTokenAt={facts(trace).firstTokenAt}
        />
        {detail && shown && (
          <Detail
            node={shown}
            trace={trace}
            linking={shown.span.name === 'llm_request' ? linking : []}
            close={() => select(selected, false)}
          />
        )}
      </div>
    </>
  );
}
