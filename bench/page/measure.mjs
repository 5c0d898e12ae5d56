// The figures of docs/benchmarks.md, "Trace page": from last byte to row, scrolling 5,000 spans, first paint, bundle.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { complete, openBrowser, request, root, send, span, startPair, traceId, whole } from './pair.mjs';

const ROUNDS = Number(process.argv[2] ?? 20);
const SPANS = 5000;

const sorted = (values) => [...values].sort((a, b) => a - b);
const median = (values) => sorted(values)[Math.floor(values.length / 2)];
const line = (what, values, unit = 'ms') =>
  console.log(
    `${what}: median ${median(values).toFixed(1)} ${unit}, worst of ${values.length} ${sorted(values).at(-1).toFixed(1)} ${unit}`,
  );

function bundle() {
  const folder = path.join(root, 'sidecar/src/main/resources/dev/spandrel/sidecar/page');
  const bytes = readdirSync(folder).reduce(
    (sum, name) => sum + gzipSync(readFileSync(path.join(folder, name))).length,
    0,
  );
  console.log(`bundle, all files, gzip: ${(bytes / 1000).toFixed(1)} kB`);
}

/** Each time a fresh context, so nothing is cached. */
async function firstPaint(browser, pair) {
  const paints = [];
  for (let i = 0; i < ROUNDS; i++) {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
    });
    const page = await context.newPage();
    await page.goto(pair.page);
    paints.push(
      await page.evaluate(
        () =>
          new Promise((done) =>
            new PerformanceObserver((list) => {
              const paint = list.getEntries().find((entry) => entry.name === 'first-contentful-paint');
              if (paint) done(paint.startTime);
            }).observe({ type: 'paint', buffered: true }),
          ),
      ),
    );
    await context.close();
  }
  console.log(`first contentful paint of a sidecar's first page: ${paints[0].toFixed(1)} ms`);
  line('first contentful paint, nothing cached, the pages after it', paints.slice(1));
}

/** From the last byte of an answer, as this process has it, to the request's row in the open page. */
async function lastByteToRow(browser, pair) {
  const page = await browser.newPage();
  await page.goto(pair.page);
  await page.locator('.connection.open').waitFor();
  const delays = [];
  for (let i = 0; i < ROUNDS; i++) {
    const tokens = 10 + i;
    const before = await page.locator('.kind-request').count();
    const seen = page.waitForFunction(
      (n) => document.querySelectorAll('.kind-request').length > n && performance.timeOrigin + performance.now(),
      before,
      { polling: 'raf', timeout: 30_000 },
    );
    const answer = await complete(pair, {
      prompt: 'Once upon a time',
      max_tokens: tokens,
    });
    const at = performance.timeOrigin + answer.at;
    delays.push((await (await seen).jsonValue()) - at);
  }
  await page.close();
  line('last byte to row', delays);
}

/** Wheel turns through the whole of a large trace; the time from one frame to the next, while it moves. */
async function scroll(browser, pair) {
  const now = Date.now();
  const spans = [span(1, 0, null, 'root', now, now + SPANS)];
  for (let i = 1; i < SPANS; i++) {
    const parent = i % 10 === 1 ? 0 : i - 1;
    spans.push(
      span(1, i, parent, `span ${i}`, now + i, now + i + 1 + (i % 40), {
        attributes: [whole('i', i)],
      }),
    );
  }
  for (let i = 0; i < SPANS; i += 500) await send(pair, request('large', spans.slice(i, i + 500)));
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
  });
  const opened = performance.now();
  await page.goto(new URL(`/trace/${traceId(1)}`, pair.page).href);
  await page.waitForFunction((n) => document.querySelector('.waterfall')?.ariaRowCount === `${n}`, SPANS, {
    timeout: 30_000,
  });
  console.log(`${SPANS} spans opened in ${(performance.now() - opened).toFixed(0)} ms`);
  const frames = await page.evaluate(
    () =>
      new Promise((done) => {
        const box = document.querySelector('.lines');
        const gaps = [];
        let last = performance.now();
        const step = (at) => {
          gaps.push(at - last);
          last = at;
          if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) return done(gaps.slice(1));
          box.scrollTop += 260;
          requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
      }),
  );
  line(`frames while ${SPANS} spans scroll by`, frames);
  await page.close();
}

bundle();
const pair = await startPair();
const browser = await openBrowser();
try {
  await complete(pair, { prompt: 'warm' });
  await firstPaint(browser, pair);
  await lastByteToRow(browser, pair);
  await scroll(browser, pair);
} finally {
  await browser.close();
  await pair.stop();
}
