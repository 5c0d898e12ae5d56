import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Axis } from './axis';
import { memo } from './memo';
import { duration, ticks } from './format';
import { numberOf, type Span, type Trace } from './otlp';
import { look } from './phases';
import { TokenLane } from './tokens';
import type { Node } from './tree';

/** The part of the time that is seen, in milliseconds after the start of the trace. */
export interface View {
  from: number;
  to: number;
}

/** Height of a line, as in the style sheet. */
const LINE = 26;

/** Lines drawn beyond what is seen, so that scrolling finds them there. */
const SPARE = 12;

const MAX_INDENT = 16;

/** Below this width in pixels labels and ticks are fewer. */
const NARROW = 560;

/** Marks beyond so many on one line would only hide each other. */
const MAX_MARKS = 200;

/** The place of a time in percent of the view; far outside is just outside. */
export const place = (at: number, view: View): number =>
  Math.max(-1, Math.min(101, ((at - view.from) / (view.to - view.from)) * 100));

interface Props {
  trace: Trace;
  nodes: Node[];
  view: View;
  setView: (view: View | null) => void;
  collapsed: ReadonlySet<string>;
  toggle: (id: string) => void;
  selected: string | null;
  select: (id: string) => void;
  firstTokenAt: number | null;
}

export function Waterfall({ trace, nodes, view, setView, collapsed, toggle, selected, select, firstTokenAt }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({ top: 0, height: 800, width: 1000 });
  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () =>
      setScroll({ top: element.scrollTop, height: element.clientHeight, width: element.clientWidth });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);

  const at = nodes.findIndex((node) => node.span.id === selected);
  useEffect(() => {
    const element = box.current!;
    if (at < 0) return;
    const top = at * LINE;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + LINE > element.scrollTop + element.clientHeight)
      element.scrollTop = top + LINE - element.clientHeight;
  }, [selected, at]);

  const first = Math.max(0, Math.floor(scroll.top / LINE) - SPARE);
  const last = Math.min(nodes.length, Math.ceil((scroll.top + scroll.height) / LINE) + SPARE);
  return (
    <div class="waterfall" role="treegrid" aria-label="Spans" aria-rowcount={nodes.length}>
      <Axis view={view} setView={setView} firstTokenAt={firstTokenAt} narrow={scroll.width < NARROW} />
      <TokenLane trace={trace} view={view} />
      <div class="lines" ref={box} tabIndex={-1}>
        <div class="canvas" style={{ height: `${nodes.length * LINE}px` }}>
          <div class="gridlines" aria-hidden="true">
            {ticks(view.from, view.to, scroll.width < NARROW ? 3 : 7).map((at) => (
              <i style={{ left: `${place(at, view)}%` }} />
            ))}
            {firstTokenAt !== null && <i class="first" style={{ left: `${place(firstTokenAt, view)}%` }} />}
          </div>
          {nodes.slice(first, last).map((node, i) => (
            <Line
              key={`${node.span.id}-${first + i}`}
              node={node}
              top={(first + i) * LINE}
              view={view}
              narrow={scroll.width < NARROW}
              shut={collapsed.has(node.span.id)}
              selected={node.span.id === selected}
              toggle={toggle}
              select={select}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface LineProps {
  node: Node;
  top: number;
  view: View;
  narrow: boolean;
  shut: boolean;
  selected: boolean;
  toggle: (id: string) => void;
  select: (id: string) => void;
}

/** Tokens of a span, where it tells of them. */
function said(span: Span): string {
  const number = (key: string) => numberOf(span.attributes, key);
  if (span.name === 'llm_request') {
    const out = number('gen_ai.usage.completion_tokens') ?? number('gen_ai.usage.output_tokens');
    const into = number('gen_ai.usage.prompt_tokens') ?? number('gen_ai.usage.input_tokens');
    return into === null || out === null ? '' : `${into} → ${out} tokens`;
  }
  const tokens = number('spandrel.tokens');
  const sequences = number('spandrel.step.sequences');
  if (tokens !== null) return tokens === 1 ? '1 token' : `${tokens} tokens`;
  return sequences === null ? '' : `${sequences} in the batch`;
}

function LinePlain({ node, top, view, narrow, shut, selected, toggle, select }: LineProps) {
  const { span } = node;
  const kind = look(span);
  return (
    <div
      class={`line${selected ? ' selected' : ''}${span.error ? ' failed' : ''}`}
      role="row"
      aria-level={node.depth + 1}
      aria-expanded={node.children.length > 0 ? !shut : undefined}
      aria-selected={selected}
      style={{ transform: `translateY(${top}px)` }}
      data-span={span.id}
      data-name={span.name}
      onClick={() => select(span.id)}
    >
      <div class="name" role="gridcell" style={{ paddingLeft: `${Math.min(node.depth, MAX_INDENT) * 14 + 4}px` }}>
        {node.children.length > 0 ? (
          <button
            type="button"
            class="twist"
            tabIndex={-1}
            aria-label={shut ? 'Expand' : 'Collapse'}
            onClick={(event) => {
              event.stopPropagation();
              toggle(span.id);
            }}
          >
            {shut ? '▸' : '▾'}
          </button>
        ) : (
          <span class="twist" />
        )}
        <i class={`swatch phase-${kind}`} />
        <span class="span-name" title={span.name}>
          {span.error && (
            <b class="bang" title={span.status}>
              !
            </b>
          )}
          {span.name}
        </span>
        {node.depth === 0 && <span class="of">{span.service}</span>}
        <span class="of">{said(span)}</span>
        {node.orphan && (
          <span class="of" title="Its parent is not in this trace">
            parent missing
          </span>
        )}
        {shut && <span class="below">+{node.below}</span>}
      </div>
      <Bar node={node} view={view} kind={kind} narrow={narrow} />
    </div>
  );
}

function Bar({ node, view, kind, narrow }: { node: Node; view: View; kind: string; narrow: boolean }) {
  const { span } = node;
  const left = place(span.start, view);
  const right = place(span.end, view);
  const length = duration(span.end - span.start);
  // a label takes some sixty pixels
  const room = narrow ? 30 : 12;
  const side = right < 100 - room ? 'after' : left > room ? 'before' : 'inside';
  const holds = node.children.length > 0 && (kind === 'request' || kind === 'other');
  const marks = span.events.filter((event) => event.name !== 'tokens').slice(0, MAX_MARKS);
  return (
    <div class="track" role="gridcell">
      <i
        class={holds ? `bar holds phase-${kind}` : `bar phase-${kind}`}
        style={{ left: `${left}%`, width: `${right - left}%` }}
      />
      {node.critical.map(([from, to]) => {
        const start = place(from, view);
        return <i class="critical" style={{ left: `${start}%`, width: `${place(to, view) - start}%` }} />;
      })}
      {marks.map((event) => (
        <i
          class={event.name === 'preempted' ? 'mark preempted' : 'mark'}
          style={{ left: `${place(event.at, view)}%` }}
          title={`${event.name} at ${duration(event.at)}`}
        />
      ))}
      {side === 'before' ? (
        <span class="length before" style={{ right: `${100 - left}%` }}>
          {length}
        </span>
      ) : (
        <span
          class={`length ${side}`}
          style={{ left: `${side === 'after' ? Math.max(0, right) : Math.max(0, left)}%` }}
        >
          {length}
        </span>
      )}
    </div>
  );
}

const Line = memo(
  LinePlain,
  (a, b) =>
    a.node === b.node &&
    a.top === b.top &&
    a.view.from === b.view.from &&
    a.view.to === b.view.to &&
    a.narrow === b.narrow &&
    a.shut === b.shut &&
    a.selected === b.selected &&
    a.select === b.select,
);
