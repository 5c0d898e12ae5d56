import { useEffect, useMemo, useReducer, useState } from 'preact/hooks';
import { useFileIn } from './drop';
import { Header } from './header';
import { Help } from './help';
import { typing } from './keys';
import { ListView } from './list';
import { Live } from './live';
import type { Trace } from './otlp';
import { go, read } from './route';
import { TraceView } from './trace';

/** Keystrokes settle before the filter goes to the sidecar. */
const SETTLE_MS = 200;

export function App() {
  const [route, setRoute] = useState(read);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [file, setFile] = useState<Trace[] | null>(null);
  const [help, setHelp] = useState(false);
  const live = useMemo(() => new Live(() => redraw(undefined)), []);
  const drop = useFileIn(setFile);

  useEffect(() => {
    const moved = () => {
      setFile(null);
      setRoute(read());
    };
    addEventListener('popstate', moved);
    return () => removeEventListener('popstate', moved);
  }, []);

  useEffect(() => {
    const timer = setTimeout(() => live.open(route.filter), live.state.connection === 'connecting' ? 0 : SETTLE_MS);
    return () => clearTimeout(timer);
  }, [route.filter]);
  useEffect(() => () => live.close(), []);

  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && help) setHelp(false);
      else if (event.key === '?' && !typing(event)) setHelp((shown) => !shown);
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, [help]);

  const home = () => {
    setFile(null);
    go({ ...route, trace: null, span: null });
  };
  return (
    <>
      <Header
        live={live.state}
        route={route}
        inTrace={file !== null || route.trace !== null}
        open={drop.choose}
        help={() => setHelp(true)}
      />
      {live.state.connection === 'lost' && (
        <div class="banner lost" role="alert">
          <b>Connection lost.</b> The sidecar does not answer; trying again. What is shown stays as it was.
        </div>
      )}
      {drop.error && (
        <div class="banner bad" role="alert">
          <b>Not shown.</b> {drop.error} <button onClick={drop.dismiss}>Dismiss</button>
        </div>
      )}
      {file ? (
        <TraceView key="file" route={route} traces={file} close={home} />
      ) : route.trace ? (
        <TraceView key={route.trace} route={route} row={live.state.rows.get(route.trace)} close={home} />
      ) : (
        <ListView live={live} route={route} />
      )}
      {drop.over && <div class="dropzone">Drop the OTLP JSON file to look at it. It stays in this browser.</div>}
      {help && <Help close={() => setHelp(false)} />}
    </>
  );
}
