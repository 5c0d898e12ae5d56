import { useEffect, useState } from 'preact/hooks';
import { Copy } from './copy';
import { go } from './route';

/** What to do when no request is there yet, or none passes the filter. */
export function Empty({ filter, any, rows }: { filter: string; any: boolean; rows: number }) {
  const [example, setExample] = useState<string | null>(null);
  useEffect(() => {
    fetch('/api/page')
      .then(async (answer) => setExample((await answer.json()).example))
      .catch(() => setExample(''));
  }, []);
  if (filter && any) {
    return rows > 0 ? null : (
      <section class="empty">
        <h2>No trace passes this filter</h2>
        <p>New ones appear here as soon as one does.</p>
        <button type="button" onClick={() => go({ trace: null, span: null, filter: '' })}>
          Clear the filter
        </button>
      </section>
    );
  }
  if (example === null) return null;
  return (
    <section class="empty">
      <h2>{any ? 'Waiting for the first request' : 'Nothing here yet'}</h2>
      {example ? (
        <>
          <p>Paste this into a terminal. The request appears here as it ends.</p>
          <div class="command">
            <pre>{example}</pre>
            <Copy text={example} label="Copy" />
          </div>
        </>
      ) : (
        <>
          <p>Point any OpenTelemetry program at this sidecar; its traces appear here as they pass.</p>
          <div class="command">
            <pre>export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317</pre>
            <Copy text="export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317" label="Copy" />
          </div>
        </>
      )}
      <p class="faint">Or drop a file of OTLP JSON anywhere on this page.</p>
    </section>
  );
}
