import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Copy } from './copy';
import { messages } from './curl';
import { duration, time } from './format';
import type { Row } from './live';
import { numberOf, valueText, type Attributes, type Span, type Trace } from './otlp';
import { address, follow, type Route } from './route';
import type { Node } from './tree';

/** Events shown until all are asked for; a decode has one for each token. */
const FIRST_EVENTS = 8;

const CONTENT = ['gen_ai.input.messages', 'gen_ai.output.messages'];

function Section({ name, size, children }: { name: string; size: number; children: ComponentChildren }) {
  return size === 0 ? null : (
    <details open>
      <summary>
        {name} <span class="faint">{size}</span>
      </summary>
      {children}
    </details>
  );
}

/** A key that says seconds, with its time; else the value. */
function shown(key: string, text: string): string {
  const isSeconds =
    /^gen_ai\.(latency|response\.time)|inter_token_latency|spandrel\.(tokenize\.time|cpu_time|client\.blocked_time)/.test(
      key,
    );
  return isSeconds && Number.isFinite(Number(text)) ? duration(Number(text) * 1e3) : text;
}

/** A key that may be broken after its dots and underscores, and nowhere else. */
const breakable = (key: string) => key.split(/(?<=[._])/).flatMap((part, i) => (i === 0 ? [part] : [<wbr />, part]));

function Table({ attributes }: { attributes: Attributes }) {
  return (
    <dl class="attributes">
      {attributes.map(([key, value]) => {
        const text = valueText(value);
        return (
          <div title={text.length < 500 ? `${key} = ${text}` : key}>
            <dt>{breakable(key)}</dt>
            <dd>{shown(key, text)}</dd>
          </div>
        );
      })}
    </dl>
  );
}

/** What was said, where content is captured. Plain text, whatever it looks like. */
function Content({ span }: { span: Span }) {
  const said = CONTENT.flatMap((key) => messages(span.attributes, key));
  return (
    <Section name="Content" size={said.length}>
      {said.map((message) => (
        <figure class={`message ${message.role === 'assistant' ? 'answer' : ''}`}>
          <figcaption>{message.role}</figcaption>
          <pre>{message.content}</pre>
        </figure>
      ))}
    </Section>
  );
}

function Events({ span }: { span: Span }) {
  const [all, showAll] = useState(false);
  const events = all ? span.events : span.events.slice(0, FIRST_EVENTS);
  return (
    <Section name="Events" size={span.events.length}>
      <ol class="events">
        {events.map((event) => (
          <li class={event.name === 'preempted' ? 'preempted' : undefined}>
            <span class="num" title="after the span's start">
              +{duration(Math.max(0, event.at - span.start))}
            </span>{' '}
            <b>{event.name}</b>
            <span class="faint">
              {event.attributes
                .map(([key, value]) => ` ${key.replace(/^spandrel\./, '')}=${shown(key, valueText(value))}`)
                .join('')}
            </span>
          </li>
        ))}
      </ol>
      {!all && span.events.length > FIRST_EVENTS && (
        <button type="button" onClick={() => showAll(true)}>
          All {span.events.length} events
        </button>
      )}
    </Section>
  );
}

function Links({ span }: { span: Span }) {
  return (
    <Section name="Links" size={span.links.length}>
      <ul class="links">
        {span.links.map((link) => {
          const target: Route = { trace: link.traceId, span: link.spanId, filter: '' };
          return (
            <li>
              <a href={address(target)} onClick={follow(target)}>
                {link.traceId.slice(0, 8)}…/{link.spanId}
              </a>
              <span class="faint">
                {link.attributes.map(([key, value]) => ` ${key.replace(/^.*\./, '')}=${valueText(value)}`).join('')}
              </span>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

/** The engine's steps that worked on the request: traces of their own, which point here. */
function Steps({ linking }: { linking: Row[] }) {
  return (
    <Section name="Engine steps with a span" size={linking.length}>
      <ul class="links">
        {linking.map((row) => {
          const target: Route = { trace: row.id, span: null, filter: '' };
          return (
            <li>
              <a href={address(target)} onClick={follow(target)}>
                {row.name} {time(row.start)}
              </a>{' '}
              <span class="faint">{duration(row.duration)}</span>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

interface Props {
  node: Node;
  trace: Trace;
  linking: Row[];
  close: () => void;
}

export function Detail({ node, trace, linking, close }: Props) {
  const { span } = node;
  const own = node.critical.reduce((sum, [from, to]) => sum + to - from, 0);
  const step = numberOf(span.attributes, 'spandrel.step.index');
  const steps: Route = { trace: null, span: null, filter: `kind:step spandrel.step.index=${step}` };
  return (
    <aside class="detail" aria-label="Span">
      <header>
        <h2>{span.name}</h2>
        <button type="button" class="close" onClick={close} aria-label="Close" title="Close (Esc)">
          ×
        </button>
      </header>
      <p class="meta">
        {[span.kind, span.service].filter(Boolean).join(' · ')}
        {span.status && <span class={span.error ? 'status error' : 'status fine'}>{span.status}</span>}
      </p>
      <dl class="facts">
        <div>
          <dt>Duration</dt>
          <dd class="num">{duration(span.end - span.start)}</dd>
        </div>
        <div>
          <dt>Begins at</dt>
          <dd class="num">{duration(span.start)}</dd>
        </div>
        <div title="The part of the trace's time that nothing but this span accounts for">
          <dt>On critical path</dt>
          <dd class="num">{trace.duration > 0 && own > 0 ? `${Math.round((own / trace.duration) * 100)} %` : '–'}</dd>
        </div>
      </dl>
      <Content span={span} />
      <Section name="Attributes" size={span.attributes.length}>
        <Table
          attributes={span.attributes.filter(
            ([key]) => !CONTENT.includes(key) || messages(span.attributes, key).length === 0,
          )}
        />
        {step !== null && span.name !== 'engine.step' && (
          <a class="small" href={address(steps)} onClick={follow(steps)}>
            Engine step {step}
          </a>
        )}
      </Section>
      <Steps linking={linking} />
      <Links span={span} />
      <Events key={span.id} span={span} />
      <Section name="Resource" size={span.resource.length}>
        <Table attributes={span.resource} />
      </Section>
      <p class="ids faint">
        span <code>{span.id}</code> <Copy text={span.id} label="Copy" />
        {span.scope && (
          <>
            <br />
            scope <code>{span.scope}</code>
          </>
        )}
      </p>
    </aside>
  );
}
