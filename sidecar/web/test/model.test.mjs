import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { parseTraces, attribute } = await load('otlp.ts');
const { tree, flatten } = await load('tree.ts');
const { duration, ticks, count } = await load('format.ts');
const { asCurl } = await load('curl.ts');

const EPOCH = 1_700_000_000_000_000_000n;

/** A span from `start` to `end` milliseconds. */
const span = (id, parent, start, end, more = {}) => ({
  traceId: 'AB'.repeat(16),
  spanId: id,
  parentSpanId: parent,
  name: id,
  startTimeUnixNano: `${EPOCH + BigInt(start * 1e6)}`,
  endTimeUnixNano: `${EPOCH + BigInt(end * 1e6)}`,
  ...more,
});
const file = (...spans) =>
  JSON.stringify({
    resourceSpans: [
      { resource: { attributes: [{ key: 'service.name', value: { stringValue: 's' } }] }, scopeSpans: [{ spans }] },
    ],
  });
const only = (...spans) => parseTraces(file(...spans))[0];
const critical = (tops) =>
  flatten(tops, new Set())
    .flatMap((node) => node.critical.map(([from, to]) => `${node.span.name} ${from}-${to}`))
    .sort();

test('times keep their nanoseconds though they are larger than a double holds', () => {
  const trace = only(span('a', '', 0, 1), { ...span('b', 'a', 0, 1), startTimeUnixNano: `${EPOCH + 123n}` });
  assert.equal(trace.spans[1].start, 0.000123);
  assert.equal(trace.start, 1_700_000_000_000);
  assert.equal(trace.id, 'ab'.repeat(16));
});

test('a file is one object, an array, or one object on each line', () => {
  const one = file(span('a', '', 0, 1));
  const other = one.replaceAll('ABAB', 'CDCD');
  assert.equal(parseTraces(one).length, 1);
  assert.equal(parseTraces(`[${one},${other}]`).length, 2);
  assert.equal(parseTraces(`${one}\n${other}\n`).length, 2);
});

test('what is no trace is refused with a sentence', () => {
  assert.throws(() => parseTraces('<html>'), /not JSON/);
  assert.throws(() => parseTraces('{"a": 1}'), /no spans in it/);
  assert.throws(() => parseTraces(`${file(span('a', '', 0, 1))}\nnonsense`), /line 2 is not JSON/);
});

test('whatever is of the wrong type is as if absent', () => {
  const odd = {
    traceId: 7,
    spanId: null,
    name: {},
    startTimeUnixNano: 'soon',
    endTimeUnixNano: [],
    attributes: 'x',
    events: [1, null, {}],
    links: {},
    status: 3,
    kind: 'SPAN_KIND_SERVER',
  };
  const [trace] = parseTraces(JSON.stringify({ resourceSpans: [null, 5, { scopeSpans: [{ spans: [odd] }] }] }));
  assert.equal(trace.spans[0].name, '(no name)');
  assert.equal(trace.spans[0].kind, 'server');
  assert.equal(trace.spans[0].end, 0);
});

test('values of every kind are read, and a map has no prototype to reach', () => {
  const values = {
    i: { intValue: '9007199254740993' },
    d: { doubleValue: 0.5 },
    b: { boolValue: true },
    l: { arrayValue: { values: [{ stringValue: 'x' }] } },
    m: { kvlistValue: { values: [{ key: '__proto__', value: { stringValue: 'p' } }] } },
  };
  const { attributes } = only(
    span('a', '', 0, 1, { attributes: Object.entries(values).map(([key, value]) => ({ key, value })) }),
  ).spans[0];
  assert.equal(attribute(attributes, 'i'), '9007199254740993');
  assert.equal(attribute(attributes, 'd'), 0.5);
  assert.deepEqual(attribute(attributes, 'l'), ['x']);
  assert.equal(Object.getPrototypeOf(attribute(attributes, 'm')), null);
  assert.equal({}.p, undefined);
});

test('a tree nests by parent, keeps orphans, and survives cycles', () => {
  const tops = tree(
    only(
      span('a', '', 0, 9),
      span('b', 'a', 1, 5),
      span('c', 'b', 2, 3),
      span('o', 'gone', 4, 5),
      span('x', 'y', 6, 7),
      span('y', 'x', 6, 7),
    ).spans,
  );
  const lines = flatten(tops, new Set()).map((node) => `${node.span.name}${node.depth}${node.orphan ? '?' : ''}`);
  assert.deepEqual(lines, ['a0', 'b1', 'c2', 'o0?', 'x0', 'y1']);
  assert.equal(tops[0].below, 2);
  assert.deepEqual(
    flatten(tops, new Set(['a'])).map((node) => node.span.name),
    ['a', 'o', 'x', 'y'],
  );
});

test('a chain as deep as a trace is long needs no stack', () => {
  const spans = Array.from({ length: 20_000 }, (_, i) => span(`${i}`, i === 0 ? '' : `${i - 1}`, 0, 1));
  assert.equal(flatten(tree(only(...spans).spans), new Set()).length, 20_000);
});

test('the critical path is what the end waited for', () => {
  const tops = tree(
    only(
      span('root', '', 0, 100),
      span('slow', 'root', 10, 80),
      span('fast', 'root', 10, 40),
      span('late', 'root', 85, 95),
    ).spans,
  );
  assert.deepEqual(critical(tops), ['late 85-95', 'root 0-10', 'root 80-85', 'root 95-100', 'slow 10-80']);
});

test('a child that outlives its parent counts up to its end only', () => {
  const tops = tree(only(span('root', '', 0, 50), span('async', 'root', 40, 90)).spans);
  assert.deepEqual(critical(tops), ['async 40-50', 'root 0-40']);
});

test('durations have three figures and a unit', () => {
  const shown = [0, 5e-4, 0.0421, 0.438, 0.9999, 5, 43.94, 999.7, 1234, 59_999, 125_000].map(duration);
  assert.deepEqual(shown, [
    '0',
    '500 ns',
    '42.1 µs',
    '438 µs',
    '1.00 ms',
    '5.00 ms',
    '43.9 ms',
    '1.00 s',
    '1.23 s',
    '1 m 0 s',
    '2 m 5 s',
  ]);
});

test('an axis has round steps inside of what is seen', () => {
  assert.deepEqual(ticks(0, 190, 5), [0, 50, 100, 150]);
  assert.deepEqual(ticks(3, 3, 5), []);
  assert.equal(count(1234567), '1\u2009234\u2009567');
});

test('a captured request is a line for a shell, whatever quotes it holds', () => {
  const s = (key, value) => ({ key, value });
  const attributes = [
    s('gen_ai.operation.name', { stringValue: 'chat' }),
    s('gen_ai.request.model', { stringValue: 'tiny' }),
    s('gen_ai.request.max_tokens', { intValue: '7' }),
    s('gen_ai.request.stop_sequences', { arrayValue: { values: [{ stringValue: '\n' }] } }),
    s('server.address', { stringValue: '127.0.0.1' }),
    s('server.port', { intValue: '8000' }),
    s('gen_ai.input.messages', {
      stringValue: JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: "it's $HOME" }] }]),
    }),
  ];
  const line = asCurl(only(span('llm_request', '', 0, 1, { attributes })));
  assert.ok(line.startsWith("curl 'http://127.0.0.1:8000/v1/chat/completions' "), line);
  const body = JSON.parse(/-d '(.*)'$/s.exec(line)[1].replaceAll(`'\\''`, "'"));
  assert.deepEqual(body, {
    model: 'tiny',
    messages: [{ role: 'user', content: "it's $HOME" }],
    max_tokens: 7,
    stop: ['\n'],
    temperature: 0,
  });
  assert.equal(asCurl(only(span('llm_request', '', 0, 1))), null);
});
