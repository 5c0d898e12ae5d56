import { useMemo, useState } from 'preact/hooks';
import { duration, rate } from './format';
import { numberOf, type Trace } from './otlp';
import { place, type View } from './waterfall';

/** Latency between tokens, over the time from one event to the next. */
interface Stretch {
  from: number;
  to: number;
  /** Of the last token in it. */
  index: number;
  /** Milliseconds. */
  mean: number;
  max: number;
}

interface Decode {
  stretches: Stretch[];
  preempted: number[];
}

const H = 56;

function decodes(trace: Trace): Decode[] {
  return trace.spans
    .filter((span) => span.name === 'decode')
    .map((span) => {
      const stretches: Stretch[] = [];
      let from = span.start;
      for (const event of span.events) {
        const mean = numberOf(event.attributes, 'spandrel.inter_token_latency.mean');
        if (event.name !== 'tokens' || mean === null) continue;
        const max = numberOf(event.attributes, 'spandrel.inter_token_latency.max') ?? mean;
        const index = numberOf(event.attributes, 'spandrel.token.index') ?? stretches.length + 1;
        stretches.push({ from, to: event.at, index, mean: mean * 1e3, max: max * 1e3 });
        from = event.at;
      }
      return {
        stretches,
        preempted: span.events.filter((event) => event.name === 'preempted').map((event) => event.at),
      };
    });
}

const quantile = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

/** The inter-token latency along the decode, on the axis of the spans, so that both zoom together. */
export function TokenLane({ trace, view }: { trace: Trace; view: View }) {
  const all = useMemo(() => decodes(trace), [trace]);
  const [at, setAt] = useState<number | null>(null);
  const stretches = all.flatMap((decode) => decode.stretches);
  if (stretches.length < 2) return null;
  const seen = stretches.filter((s) => s.to >= view.from && s.from <= view.to);
  const sorted = seen.map((s) => s.mean).sort((a, b) => a - b);
  const top = seen.reduce((most, s) => Math.max(most, s.max), 1e-9);
  const under = at === null ? null : (seen.find((s) => at > s.from && at <= s.to) ?? null);
  const y = (ms: number) => H - (ms / top) * (H - 6);
  return (
    <div class="token-lane">
      <div class="name">
        <b>Time between tokens</b>
        <span class="of">
          {under ? (
            <>
              token {under.index}: {duration(under.mean)}
            </>
          ) : (
            <>
              p50 {duration(quantile(sorted, 0.5))} <span class="p99">· p99 {duration(quantile(sorted, 0.99))}</span>
            </>
          )}
        </span>
      </div>
      <div
        class="track"
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setAt(view.from + ((event.clientX - box.left) / box.width) * (view.to - view.from));
        }}
        onPointerLeave={() => setAt(null)}
      >
        <svg
          viewBox={`0 0 100 ${H}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Latency between tokens, at most ${duration(top)}, ${rate(stretches.length)} points`}
        >
          {seen.map((s) => {
            const x = place(s.from, view);
            const width = Math.max(place(s.to, view) - x, 0.05);
            return (
              <g class={s === under ? 'under' : undefined}>
                {s.max > s.mean && <rect class="max" x={x} y={y(s.max)} width={width} height={H - y(s.max)} />}
                <rect x={x} y={y(s.mean)} width={width} height={H - y(s.mean)} />
              </g>
            );
          })}
          {all
            .flatMap((decode) => decode.preempted)
            .map((when) => (
              <line class="preempted" x1={place(when, view)} x2={place(when, view)} y1="0" y2={H} />
            ))}
        </svg>
        <span class="peak">{duration(top)}</span>
      </div>
    </div>
  );
}
