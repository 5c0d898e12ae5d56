import { useMemo } from 'preact/hooks';
import { Copy } from './copy';
import { asCurl } from './curl';
import { facts } from './facts';
import { count, duration, isoTime, time } from './format';
import type { Row } from './live';
import type { Trace } from './otlp';
import { address, follow, type Route } from './route';
import { tree } from './tree';

export interface HeadProps {
  trace: Trace;
  route: Route;
  /** Traces that point at this one. */
  linking: Row[];
  fromFile: boolean;
  close: () => void;
}

function Fact({ name, value, title }: { name: string; value: string | null; title?: string }) {
  return value === null ? null : (
    <div title={title}>
      <dt>{name}</dt>
      <dd class="num">{value}</dd>
    </div>
  );
}

const orNull = (value: number | null) => (value === null ? null : duration(value));

/** A few of the steps that computed a request; a long one has hundreds. */
const SHOWN_STEPS = 3;

/** What is known of a trace at a glance, and what can be done with it. */
export function Head({ trace, route, linking, fromFile, close }: HeadProps) {
  const all = useMemo(() => facts(trace), [trace]);
  const curl = useMemo(() => asCurl(trace), [trace]);
  const top = useMemo(() => tree(trace.spans)[0], [trace])?.span;
  const list: Route = { ...route, trace: null, span: null };
  return (
    <section class="trace-head">
      <div class="trace-title">
        <a
          class="back"
          href={address(list)}
          aria-label="Back to the list"
          title="Back to the list (Esc)"
          onClick={(event) => {
            event.preventDefault();
            close();
          }}
        >
          ‹
        </a>
        <h1>
          {top?.name}
          <span class="of">{[top?.service, all.model].filter(Boolean).join(' · ')}</span>
        </h1>
        {all.errors > 0 && <span class="status error">{all.errors === 1 ? '1 error' : `${all.errors} errors`}</span>}
        <div class="actions">
          {curl && <Copy text={curl} label="Copy as curl" title="The request, as its content was captured" />}
          {!fromFile && (
            <a class="button" href={`/api/traces/${trace.id}?download`} download>
              OTLP JSON
            </a>
          )}
        </div>
      </div>
      <dl class="facts">
        <Fact name="Duration" value={duration(trace.duration)} />
        <Fact name="Queue" value={orNull(all.queue)} />
        <Fact name="First token" value={orNull(all.firstToken)} />
        <Fact name="Per token" value={orNull(all.perToken)} title="Decode time for each token after the first" />
        <Fact
          name="Tokens"
          value={
            all.tokensIn === null && all.tokensOut === null ? null : `${all.tokensIn ?? '?'} → ${all.tokensOut ?? '?'}`
          }
          title="prompt → generated"
        />
        <div class="spans">
          <dt>Spans</dt>
          <dd class="num">{count(trace.spans.length)}</dd>
        </div>
        <div class="when">
          <dt>Start</dt>
          <dd class="num" title={isoTime(trace.start)}>
            {time(trace.start)}
          </dd>
        </div>
        <div class="id">
          <dt>Trace</dt>
          <dd>
            <code>{trace.id}</code> <Copy text={trace.id} label="Copy" />
          </dd>
        </div>
        {linking.length > 0 && (
          <div class="steps">
            <dt>Engine steps</dt>
            <dd>
              {linking.slice(0, SHOWN_STEPS).map((row) => {
                const step: Route = { ...route, trace: row.id, span: null };
                return (
                  <a href={address(step)} onClick={follow(step)}>
                    {time(row.start)}
                  </a>
                );
              })}
              {linking.length > SHOWN_STEPS && (
                <span class="faint">and {linking.length - SHOWN_STEPS} more on llm_request</span>
              )}
            </dd>
          </div>
        )}
      </dl>
    </section>
  );
}
