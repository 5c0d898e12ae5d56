import { count, duration, percent, rate } from './format';
import type { Metrics, Sample } from './live';

/** The time that the small charts show, and what they show at least while there is not so much. */
const WINDOW_MS = 120_000;
const SHORTEST_MS = 20_000;
const W = 120;
const H = 28;

/** A line of the last two minutes, its own highest value at the top, or `top`. */
function Spark({ samples, value, top }: { samples: Sample[]; value: (sample: Sample) => number; top?: number }) {
  const end = samples.at(-1)?.time ?? 0;
  const shown = samples.filter((sample) => end - sample.time <= WINDOW_MS);
  const length = Math.max(SHORTEST_MS, end - (shown[0]?.time ?? end));
  const most = top ?? Math.max(1e-9, ...shown.map(value));
  const points = shown.map((sample) => {
    const x = W - ((end - sample.time) / length) * W;
    return `${x.toFixed(1)},${(H - 1.5 - (value(sample) / most) * (H - 4)).toFixed(1)}`;
  });
  const first = points[0]?.split(',')[0] ?? W;
  return (
    <svg class="spark" viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" aria-hidden="true">
      {points.length > 1 && (
        <>
          <polygon points={`${first},${H} ${points.join(' ')} ${W},${H}`} />
          <polyline points={points.join(' ')} />
        </>
      )}
    </svg>
  );
}

interface TileProps {
  name: string;
  value: string;
  title: string;
  samples: Sample[];
  of: (sample: Sample) => number;
  top?: number;
}

function Tile({ name, value, title, samples, of, top }: TileProps) {
  return (
    <div class="tile" title={title}>
      <span class="tile-name">{name}</span>
      <span class="tile-value num">{value}</span>
      <Spark samples={samples} value={of} top={top} />
    </div>
  );
}

/** The value below which a share of all lies, taken as the upper bound of its bucket; in seconds. */
function quantile(bounds: number[], counts: number[], share: number): number | null {
  const total = counts.reduce((sum, n) => sum + n, 0);
  let seen = 0;
  for (let i = 0; i < counts.length; i++) {
    seen += counts[i]!;
    if (total > 0 && seen >= share * total) return bounds[i] ?? Infinity;
  }
  return null;
}

/** A bucket's bound, round as it is. */
const bound = (seconds: number | undefined): string =>
  seconds === undefined ? '∞' : seconds < 1 ? `${+(seconds * 1e3).toPrecision(3)} ms` : `${+seconds.toPrecision(3)} s`;

const upTo = (seconds: number | null) => (seconds === null ? '–' : seconds === Infinity ? '∞' : `≤ ${bound(seconds)}`);

function FirstToken({ bounds, counts }: Metrics['firstToken']) {
  const total = counts.reduce((sum, n) => sum + n, 0);
  // a bucket or two of air, so that a lonely bar has a place
  const used = counts.map((n, i) => (n > 0 ? i : -1)).filter((i) => i >= 0);
  const from = Math.max(0, (used[0] ?? 0) - 1);
  const to = Math.min(counts.length, Math.max((used.at(-1) ?? 0) + 2, from + 8));
  const shown = counts.slice(from, to);
  const most = Math.max(1, ...shown);
  const every = shown.length > 9 ? 3 : 2;
  return (
    <div class="tile first-token" title="Time to first token since the servers' start">
      <span class="tile-name">Time to first token</span>
      <span class="tile-value num">
        {upTo(quantile(bounds, counts, 0.5))} <small>p50</small> {upTo(quantile(bounds, counts, 0.95))}{' '}
        <small>p95</small>
      </span>
      <span class="histogram" role="img" aria-label={`${total} requests`}>
        {shown.map((n, i) => {
          const low = bounds[from + i - 1] ?? 0;
          const high = bounds[from + i];
          const range = `${duration(low * 1e3)} to ${high === undefined ? '∞' : duration(high * 1e3)}`;
          return (
            <span title={`${range}: ${n}`}>
              <b>
                <i style={{ height: `${n === 0 ? 0 : Math.max(6, (n / most) * 100)}%` }} />
              </b>
              <small>{i % every === 0 && i < shown.length - 1 && bound(high)}</small>
            </span>
          );
        })}
      </span>
    </div>
  );
}

/** How the servers do, from the metrics that pass. */
export function Strip({ metrics, stale }: { metrics: Metrics; stale: boolean }) {
  const { samples, firstToken } = metrics;
  const now = samples.at(-1);
  if (!now) return null;
  return (
    <section class={stale ? 'strip stale' : 'strip'} aria-label="Servers">
      <Tile
        name="Running"
        value={count(now.running)}
        title="Requests in the batch"
        samples={samples}
        of={(s) => s.running}
      />
      <Tile
        name="Waiting"
        value={count(now.waiting)}
        title="Requests in the queue"
        samples={samples}
        of={(s) => s.waiting}
      />
      <Tile
        name="Tokens/s"
        value={rate(now.tokenRate)}
        title={`Generated; ${rate(now.promptRate)} prompt tokens/s beside them`}
        samples={samples}
        of={(s) => s.tokenRate}
      />
      <Tile
        name="KV cache"
        value={percent(now.kvUsage)}
        title="Blocks in use, of all"
        samples={samples}
        of={(s) => s.kvUsage}
        top={1}
      />
      <FirstToken {...firstToken} />
    </section>
  );
}
