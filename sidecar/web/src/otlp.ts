/** OTLP/JSON into traces. Everything here was written by strangers: nothing is trusted to be there or of its type. */

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type Attributes = [key: string, value: Value][];

export interface SpanEvent {
  /** Milliseconds after the trace's start. */
  at: number;
  name: string;
  attributes: Attributes;
}

export interface Link {
  traceId: string;
  spanId: string;
  attributes: Attributes;
}

export interface Span {
  traceId: string;
  id: string;
  parentId: string;
  name: string;
  kind: string;
  service: string;
  /** Milliseconds after the trace's start. */
  start: number;
  end: number;
  error: boolean;
  status: string;
  attributes: Attributes;
  events: SpanEvent[];
  links: Link[];
  resource: Attributes;
  scope: string;
}

export interface Trace {
  id: string;
  /** Milliseconds since 1970. */
  start: number;
  /** Milliseconds. */
  duration: number;
  spans: Span[];
}

const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

type Json = Record<string, unknown>;

const list = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter((v): v is Json => typeof v === 'object' && v !== null) : [];
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function nanos(value: unknown): bigint {
  try {
    if (typeof value === 'string' && value.length < 24) return BigInt(value);
    if (typeof value === 'number') return BigInt(Math.trunc(value));
  } catch {
    // not a number: as if absent
  }
  return 0n;
}

function anyValue(value: unknown, depth = 0): Value {
  const any = object(value);
  if (depth > 16) return '…';
  if ('stringValue' in any) return text(any.stringValue);
  if ('boolValue' in any) return any.boolValue === true;
  if ('intValue' in any) {
    const whole = nanos(any.intValue);
    return whole >= -9007199254740991n && whole <= 9007199254740991n ? Number(whole) : whole.toString();
  }
  if ('doubleValue' in any) return typeof any.doubleValue === 'number' ? any.doubleValue : text(any.doubleValue);
  if ('arrayValue' in any) return list(object(any.arrayValue).values).map((v) => anyValue(v, depth + 1));
  if ('kvlistValue' in any) {
    const map: { [key: string]: Value } = Object.create(null);
    for (const [key, inner] of attributes(object(any.kvlistValue).values, depth + 1)) map[key] = inner;
    return map;
  }
  if ('bytesValue' in any) return `base64:${text(any.bytesValue)}`;
  return null;
}

const attributes = (value: unknown, depth = 0): Attributes =>
  list(value).map((kv) => [text(kv.key), anyValue(kv.value, depth)]);

/** The value of an attribute; null where it is not there. */
export const attribute = (all: Attributes, key: string): Value => all.find(([k]) => k === key)?.[1] ?? null;

export function numberOf(all: Attributes, ...keys: string[]): number | null {
  for (const key of keys) {
    const value = attribute(all, key);
    if (typeof value === 'number') return value;
  }
  return null;
}

/** A value as one line of text. */
export const valueText = (value: Value): string => (typeof value === 'string' ? value : JSON.stringify(value));

interface Raw {
  span: Json;
  resource: Attributes;
  scope: string;
}

function rawSpans(request: Json): Raw[] {
  const raw: Raw[] = [];
  for (const resourceSpans of list(request.resourceSpans)) {
    const resource = attributes(object(resourceSpans.resource).attributes);
    for (const scopeSpans of list(resourceSpans.scopeSpans)) {
      const scope = object(scopeSpans.scope);
      const name = [text(scope.name), text(scope.version)].filter(Boolean).join(' ');
      for (const span of list(scopeSpans.spans)) raw.push({ span, resource, scope: name });
    }
  }
  return raw;
}

function trace(id: string, raw: Raw[]): Trace {
  let first = nanos(raw[0]!.span.startTimeUnixNano);
  for (const { span } of raw) {
    const start = nanos(span.startTimeUnixNano);
    if (start < first) first = start;
  }
  // whole nanoseconds after the first fit a double exactly for a hundred days
  const since = (value: unknown): number => Number(nanos(value) - first) / 1e6;
  const spans = raw.map(({ span, resource, scope }) => toSpan(span, resource, scope, since));
  const duration = spans.reduce((most, span) => Math.max(most, span.end), 0);
  return { id, start: Number(first / 1000n) / 1e3, duration, spans };
}

function toSpan(span: Json, resource: Attributes, scope: string, since: (value: unknown) => number): Span {
  const parent = text(span.parentSpanId).toLowerCase();
  const status = object(span.status);
  const error = status.code === 2 || status.code === 'STATUS_CODE_ERROR';
  const start = since(span.startTimeUnixNano);
  const word = error ? 'error' : status.code === 1 || status.code === 'STATUS_CODE_OK' ? 'ok' : '';
  return {
    traceId: text(span.traceId).toLowerCase(),
    id: text(span.spanId).toLowerCase(),
    parentId: /^0*$/.test(parent) ? '' : parent,
    name: text(span.name) || '(no name)',
    kind: kind(span.kind),
    service: valueText(attribute(resource, 'service.name') ?? ''),
    start,
    // a span that has not ended, or ended before it began, is a point
    end: Math.max(start, since(span.endTimeUnixNano)),
    error,
    status: [word, text(status.message)].filter(Boolean).join(': '),
    attributes: attributes(span.attributes),
    events: list(span.events)
      .map((event) => ({
        at: since(event.timeUnixNano),
        name: text(event.name),
        attributes: attributes(event.attributes),
      }))
      .sort((a, b) => a.at - b.at),
    links: list(span.links).map((link) => ({
      traceId: text(link.traceId).toLowerCase(),
      spanId: text(link.spanId).toLowerCase(),
      attributes: attributes(link.attributes),
    })),
    resource,
    scope,
  };
}

const kind = (value: unknown): string =>
  typeof value === 'number' ? (KINDS[value] ?? '') : text(value).replace('SPAN_KIND_', '').toLowerCase();

/** Requests out of a file: one object, an array of them, or one on each line as the Collector's file exporter writes. */
function requests(json: string): Json[] {
  try {
    const parsed: unknown = JSON.parse(json);
    return Array.isArray(parsed) ? list(parsed) : [object(parsed)];
  } catch (whole) {
    const lines = json.split('\n').filter((line) => line.trim() !== '');
    if (lines.length < 2) throw new Error(`this is not JSON: ${(whole as Error).message}`);
    return lines.map((line, i) => {
      try {
        return object(JSON.parse(line));
      } catch {
        throw new Error(`line ${i + 1} is not JSON`);
      }
    });
  }
}

/** Every trace of an OTLP/JSON text, the earliest first; fails with a sentence for people. */
export function parseTraces(json: string): Trace[] {
  const byId = new Map<string, Raw[]>();
  for (const request of requests(json)) {
    for (const raw of rawSpans(request)) {
      const id = text(raw.span.traceId).toLowerCase();
      const known = byId.get(id);
      if (known) known.push(raw);
      else byId.set(id, [raw]);
    }
  }
  if (byId.size === 0) throw new Error('no spans in it: expected OTLP JSON with resourceSpans');
  return [...byId].map(([id, raw]) => trace(id, raw)).sort((a, b) => a.start - b.start);
}
