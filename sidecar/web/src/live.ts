/** The connection to the sidecar: rows and metrics as they come. */

export interface Row {
  id: string;
  kind: 'request' | 'step' | 'start' | 'other';
  start: number;
  duration: number;
  service: string;
  name: string;
  model?: string;
  status: 'error' | 'ok' | 'unset';
  httpStatus?: string;
  finish?: string;
  spans: number;
  errors: number;
  tokensIn?: number;
  tokensOut?: number;
  queue?: number;
  timeToFirstToken?: number;
  timePerOutputToken?: number;
  preemptions?: number;
  phases?: Partial<Record<string, number>>;
  droppedSpans: number;
}

export interface Fill {
  traces: number;
  bytes: number;
  maxBytes: number;
  evicted: number;
}

export interface Sample {
  time: number;
  running: number;
  waiting: number;
  kvUsage: number;
  promptRate: number;
  tokenRate: number;
}

export interface Metrics {
  samples: Sample[];
  firstToken: { bounds: number[]; counts: number[] };
}

/** `paused`: the filter cannot be meant, so nothing is asked for. */
export type Connection = 'connecting' | 'open' | 'lost' | 'paused';

export interface LiveState {
  connection: Connection;
  /** What is wrong with the filter; empty when nothing is. */
  filterError: string;
  rows: Map<string, Row>;
  store: Fill | null;
  notShown: number;
  metrics: Metrics;
  /** Grows with each change, so that views know. */
  version: number;
}

interface RowsEvent {
  reset: boolean;
  rows: Row[];
  gone: string[];
  store: Fill;
  notShown: number;
}

const MAX_SAMPLES = 300;
const MAX_ROWS = 2000;
const RETRY_MS = 1000;

/** One page's connection; `changed` is called after each change of `state`. */
export class Live {
  readonly state: LiveState = {
    connection: 'connecting',
    filterError: '',
    rows: new Map(),
    store: null,
    notShown: 0,
    metrics: { samples: [], firstToken: { bounds: [], counts: [] } },
    version: 0,
  };
  private source: EventSource | null = null;
  private timer = 0;
  private filter = '';

  constructor(private readonly changed: () => void) {}

  /** Connects with a filter; what was shown stays until the first answer. */
  open(filter: string): void {
    this.filter = filter;
    this.close();
    const source = new EventSource(`/api/live?q=${encodeURIComponent(filter)}`);
    this.source = source;
    source.addEventListener('open', () => this.update({ connection: 'open', filterError: '' }));
    source.addEventListener('rows', (event) => this.rows(JSON.parse((event as MessageEvent<string>).data)));
    source.addEventListener('metrics', (event) => this.metrics(JSON.parse((event as MessageEvent<string>).data)));
    source.addEventListener('error', () => this.failed(source));
  }

  close(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  /** Puts older rows behind those that are there. */
  older(rows: Row[]): void {
    for (const row of rows) this.state.rows.set(row.id, row);
    this.update({});
  }

  private rows(event: RowsEvent): void {
    const rows = event.reset ? new Map<string, Row>() : this.state.rows;
    for (const row of event.rows) rows.set(row.id, row);
    for (const id of event.gone) rows.delete(id);
    if (rows.size > MAX_ROWS) {
      const oldest = [...rows.values()].sort((a, b) => a.start - b.start).slice(0, rows.size - MAX_ROWS);
      for (const row of oldest) rows.delete(row.id);
    }
    this.update({ rows, store: event.store, notShown: event.notShown, connection: 'open' });
  }

  private metrics(view: Metrics): void {
    // a fresh connection brings all samples again, later events one each
    const last = view.samples.length === 1 ? this.state.metrics.samples : [];
    const newest = view.samples[0];
    const before = last.filter((sample) => !newest || sample.time < newest.time);
    const samples = [...before, ...view.samples].slice(-MAX_SAMPLES);
    this.update({ metrics: { samples, firstToken: view.firstToken } });
  }

  private failed(source: EventSource): void {
    if (source !== this.source) return;
    if (source.readyState !== EventSource.CLOSED) {
      this.update({ connection: 'lost' });
      return;
    }
    // refused rather than broken: the plain request says why
    fetch(`/api/traces?q=${encodeURIComponent(this.filter)}`)
      .then(async (answer) => {
        if (source !== this.source) return;
        if (answer.status === 400) {
          this.update({ connection: 'paused', filterError: (await answer.json()).error });
          return;
        }
        this.again();
      })
      .catch(() => source === this.source && this.again());
  }

  private again(): void {
    this.update({ connection: 'lost' });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(this.filter), RETRY_MS) as unknown as number;
  }

  private update(change: Partial<LiveState>): void {
    Object.assign(this.state, change);
    this.state.version++;
    this.changed();
  }
}
