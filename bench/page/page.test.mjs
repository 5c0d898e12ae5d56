// The page in a browser, on the running pair. Waits are generous: nothing here is about speed, measure.mjs is.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { complete, openBrowser, request, send, span, spanId, startPair, text, traceId, whole } from './pair.mjs';

const HOSTILE = `"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>\u202e{{7*7}}`;
const WAIT = 30_000;

describe('the trace page', { timeout: 600_000 }, () => {
  let pair;
  let browser;
  const foreign = [];
  const violations = [];

  before(async () => {
    // a span for one step in ten: enough to follow one, few enough to leave the requests in sight
    pair = await startPair({ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true' }, [
      '--collect-detailed-traces=request,step',
      '--trace-step-ratio=0.1',
    ]);
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  /** A page that notes whatever asks another host, breaks the policy, or fails. */
  async function open(path = '/', options = {}) {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT);
    page.on('request', (r) => new URL(r.url()).origin !== new URL(pair.page).origin && foreign.push(r.url()));
    page.on('pageerror', (e) => violations.push(`error: ${e.message}`));
    page.on('console', (m) => /Content Security Policy|Trusted Type/.test(m.text()) && violations.push(m.text()));
    await page.goto(new URL(path, pair.page).href);
    return page;
  }
  const rows = (page) => page.locator('.row[data-trace]');
  const closed = (page) => page.context().close();

  it('says what to do while there is nothing to see, with a line to paste', async () => {
    const page = await open('/', {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.getByText('Waiting for the first request').waitFor();
    await page.locator('.command .copy').click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(copied.startsWith(`curl ${pair.api}/v1/completions `), copied);
    assert.ok(pair.said.includes(copied), 'the line is the one that dev prints');
    await closed(page);
  });

  it('shows a completion without a reload, with its figures', async () => {
    const page = await open();
    await page.getByText('Waiting for the first request').waitFor();
    await page.evaluate(() => (window.notReloaded = true));
    const answer = await complete(pair, { prompt: 'Once upon a time' });
    assert.equal(answer.status, 200, answer.text);
    const usage = JSON.parse(answer.text).usage;
    const row = page.locator('.row.kind-request').first();
    await row.waitFor();
    const figures = `${usage.prompt_tokens} → ${usage.completion_tokens}`;
    await page.waitForFunction(
      (wanted) => document.querySelector('.kind-request .c-tokens')?.textContent === wanted,
      figures,
    );
    // the HTTP span ends last and gives the trace its name
    await page.waitForFunction(() =>
      document.querySelector('.kind-request .c-request')?.textContent.startsWith('POST /v1/completions'),
    );
    assert.match(await row.innerText(), /spandrel-tiny/);
    assert.ok((await row.locator('.phasebar i').count()) >= 4);
    assert.equal(await page.evaluate(() => window.notReloaded), true);
    assert.equal(await page.getByText('Waiting for the first request').count(), 0);
    await closed(page);
  });

  it('draws the waterfall with the right spans in the right places', async () => {
    const page = await open();
    await page.locator('.row.kind-request a').first().click();
    await page.locator('.line[data-name=finish]').waitFor();
    const id = new URL(page.url()).pathname.split('/').pop();
    const otlp = await (await fetch(new URL(`/api/traces/${id}`, pair.page))).json();
    const spans = otlp.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans));
    const nanos = (value) => BigInt(value);
    const first = spans.reduce(
      (a, s) => (nanos(s.startTimeUnixNano) < a ? nanos(s.startTimeUnixNano) : a),
      nanos(spans[0].startTimeUnixNano),
    );
    const last = spans.reduce((a, s) => (nanos(s.endTimeUnixNano) > a ? nanos(s.endTimeUnixNano) : a), 0n);
    const lines = await page.locator('.line').evaluateAll((all) =>
      all.map((line) => {
        const track = line.querySelector('.track').getBoundingClientRect();
        const bar = line.querySelector('.bar').getBoundingClientRect();
        const style = line.querySelector('.bar').style;
        return {
          id: line.dataset.span,
          name: line.dataset.name,
          level: +line.ariaLevel,
          top: bar.top,
          track: track.width,
          left: bar.left - track.left,
          width: bar.width,
          shown: style.width,
        };
      }),
    );
    assert.deepEqual(
      lines.sort((a, b) => a.top - b.top).map((line) => [line.level, line.name]),
      [
        [1, 'POST /v1/completions'],
        [2, 'llm_request'],
        [3, 'tokenize'],
        [3, 'queue'],
        [3, 'prefill'],
        [4, 'prefill_chunk'],
        [3, 'decode'],
        [3, 'finish'],
      ],
    );
    for (const line of lines) {
      const s = spans.find((one) => one.spanId === line.id);
      const total = Number(last - first);
      const left = (Number(nanos(s.startTimeUnixNano) - first) / total) * line.track;
      const width = (Number(nanos(s.endTimeUnixNano) - nanos(s.startTimeUnixNano)) / total) * line.track;
      assert.ok(Math.abs(line.left - left) <= 1.5, `${line.name} begins at ${line.left}, expected ${left}`);
      assert.ok(
        Math.abs(line.width - Math.max(width, 2)) <= 1.5,
        `${line.name} is ${line.width} wide, expected ${width}`,
      );
    }
    assert.ok((await page.locator('.line[data-name=decode] .critical').count()) >= 1, 'decode is on the critical path');
    assert.ok((await page.locator('.token-lane rect').count()) >= 10, 'a bar for each token');
    await closed(page);
  });

  it('shows attributes on a click, keeps the span in the address, zooms and collapses', async () => {
    const page = await open();
    await page.locator('.row.kind-request a').first().click();
    await page.locator('.line[data-name=llm_request]').click();
    await page.locator('.detail').waitFor();
    assert.match(await page.locator('.detail').innerText(), /gen_ai\.usage\.prompt_tokens/);
    assert.match(page.url(), /span=[0-9a-f]{16}/);
    await page.reload();
    await page.locator('.detail h2', { hasText: 'llm_request' }).waitFor();
    await page.keyboard.press('h');
    await page.locator('.line[data-name=decode]').waitFor({ state: 'detached' });
    await page.keyboard.press('l');
    await page.locator('.line[data-name=decode]').waitFor();
    const axis = () => page.locator('.axis .tick').allInnerTexts();
    const whole = await axis();
    await page.keyboard.press('+');
    await page.waitForFunction(
      (before) => [...document.querySelectorAll('.axis .tick')].map((t) => t.innerText).join() !== before,
      whole.join(),
    );
    await page.keyboard.press('0');
    await page.waitForFunction(
      (before) => [...document.querySelectorAll('.axis .tick')].map((t) => t.innerText).join() === before,
      whole.join(),
    );
    await closed(page);
  });

  it('filters, keeps the filter in the address, and says what is wrong with one', async () => {
    await send(pair, request('orders', [span(1, 1, null, 'checkout', Date.now(), Date.now() + 1500)]));
    const page = await open();
    await page.locator('.row', { hasText: 'checkout' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('service:orders duration>1s');
    await page.waitForFunction(() => document.querySelectorAll('.row[data-trace]').length === 1);
    assert.match(await rows(page).innerText(), /checkout/);
    assert.equal(new URL(page.url()).searchParams.get('q'), 'service:orders duration>1s');
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll('.row[data-trace]').length === 1);
    assert.equal(await page.locator('.filter input').inputValue(), 'service:orders duration>1s');
    await page.locator('.filter input').fill('kind:request gen_ai.request.model=spandrel-tiny');
    await page.waitForFunction(
      () =>
        [...document.querySelectorAll('.row[data-trace]')].every((r) => r.matches('.kind-request')) &&
        document.querySelector('.kind-request'),
    );
    await page.locator('.filter input').fill('colour:red');
    await page.locator('.filter-error', { hasText: 'unknown field "colour"' }).waitFor();
    await page.locator('.filter input').fill('');
    await page.waitForFunction(() => document.querySelectorAll('.row[data-trace]').length >= 2);
    await closed(page);
  });

  it('runs nothing that a prompt or a span says', async () => {
    const hostile = text('note', HOSTILE);
    const now = Date.now();
    await send(pair, {
      resourceSpans: [
        {
          resource: { attributes: [text('service.name', HOSTILE), hostile] },
          scopeSpans: [
            {
              scope: { name: HOSTILE },
              spans: [
                span(2, 1, null, HOSTILE, now, now + 5, {
                  attributes: [
                    hostile,
                    text(HOSTILE, 'key'),
                    {
                      key: '__proto__',
                      value: {
                        kvlistValue: { values: [text('__proto__', HOSTILE)] },
                      },
                    },
                    text('gen_ai.request.model', HOSTILE),
                    whole('gen_ai.usage.output_tokens', 3),
                  ],
                  events: [
                    {
                      timeUnixNano: `${now}000000`,
                      name: HOSTILE,
                      attributes: [hostile],
                    },
                  ],
                  links: [
                    {
                      traceId: traceId(1),
                      spanId: spanId(1),
                      attributes: [hostile],
                    },
                  ],
                  status: { code: 2, message: HOSTILE },
                }),
              ],
            },
          ],
        },
      ],
    });
    assert.equal((await complete(pair, { prompt: HOSTILE, max_tokens: 4 })).status, 200);
    const page = await open(`/?q=${encodeURIComponent('"onerror="')}`);
    await page.waitForFunction(() => document.querySelectorAll('.row[data-trace]').length >= 2);
    assert.match(await page.locator('.rows').innerText(), /<script>window\.pwned=1<\/script>/);
    await page.goto(new URL(`/trace/${traceId(2)}?span=${spanId(1)}`, pair.page).href);
    await page.locator('.detail').waitFor();
    assert.match(await page.locator('.detail').innerText(), /<img src=x/);
    await page.goto(
      new URL(`/?q=${encodeURIComponent('kind:request gen_ai.usage.completion_tokens<=4')}`, pair.page).href,
    );
    await page.locator('.row.kind-request a').first().click();
    await page.locator('.line[data-name=llm_request]').click();
    await page.locator('.message pre', { hasText: '<img src=x' }).waitFor();
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.equal(await page.locator('#app img, #app script, #app iframe').count(), 0);
    await closed(page);
  });

  it('marks errors and preemptions, and leads from a step to its requests and back', async () => {
    const now = Date.now();
    await send(
      pair,
      request('spandrel', [
        span(3, 1, null, 'llm_request', now, now + 50, {
          attributes: [whole('gen_ai.usage.completion_tokens', 9)],
        }),
        span(3, 2, 1, 'decode', now, now + 20, {
          events: [{ timeUnixNano: `${now + 20}000000`, name: 'preempted' }],
        }),
        span(3, 3, 1, 'queue', now + 20, now + 30),
        span(3, 4, 1, 'decode', now + 30, now + 50, {
          status: { code: 2, message: 'the engine stopped' },
        }),
        span(4, 1, null, 'engine.step', now + 1, now + 2, {
          links: [{ traceId: traceId(3), spanId: spanId(1) }],
        }),
      ]),
    );
    const page = await open(`/trace/${traceId(4)}?span=${spanId(1)}`);
    await page.locator('.detail .links a').click();
    await page.waitForURL(new RegExp(traceId(3)));
    await page.locator('.detail h2', { hasText: 'llm_request' }).waitFor();
    assert.equal(await page.locator('.mark.preempted').count(), 1);
    assert.equal(await page.locator('.line.failed .bang').count(), 1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('e');
    await page.locator('.detail .status.error', { hasText: 'the engine stopped' }).waitFor();
    await page.locator('.steps a').first().click();
    await page.waitForURL(new RegExp(traceId(4)));
    await page.locator('.line[data-name="engine.step"]').waitFor();
    await closed(page);
  });

  it('leads from a step of the running engine to a request that it worked on, and back', async () => {
    const page = await open('/?q=kind:step');
    // some fifty steps each: that none of them has a span happens once in a thousand runs of the first, and never of all
    for (let i = 0; i < 6 && (await rows(page).count()) === 0; i++) {
      await complete(pair, { prompt: `Once upon a time ${i}`, max_tokens: 60 });
    }
    await rows(page).first().locator('a').first().click();
    await page.locator('.line[data-name="engine.step"]').click();
    const step = new URL(page.url()).pathname;
    await page.locator('.detail .links a').first().click();
    await page.locator('.detail h2', { hasText: 'llm_request' }).waitFor();
    const steps = await page
      .locator('.detail .links a')
      .evaluateAll((links) => links.map((link) => new URL(link.href).pathname));
    assert.ok(steps.includes(step), `${step} among ${steps}`);
    await closed(page);
  });

  it('is worked by the keyboard', async () => {
    const page = await open();
    await rows(page).nth(1).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    assert.equal(
      await page.locator('.row[aria-current]').getAttribute('data-trace'),
      await rows(page).first().getAttribute('data-trace'),
    );
    await page.keyboard.press('Enter');
    await page.locator('.line').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.locator('.detail').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.detail').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.locator('.row[aria-current]').waitFor();
    assert.equal(new URL(page.url()).pathname, '/');
    await page.keyboard.press('?');
    await page.locator('dialog.help').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog.help').waitFor({ state: 'detached' });
    await closed(page);
  });

  it('looks at pasted and dropped OTLP JSON, and says what it cannot read', async () => {
    const page = await open();
    const paste = (json) =>
      page.evaluate((value) => {
        const data = new DataTransfer();
        data.setData('text', value);
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
      }, json);
    const now = Date.now();
    await paste(
      JSON.stringify(
        request('elsewhere', [
          span(90, 1, null, 'pasted root', now, now + 9),
          span(90, 2, 1, 'pasted child', now + 1, now + 3),
        ]),
      ),
    );
    await page.locator('.line[data-name="pasted child"]').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.rows, .empty').first().waitFor();
    await paste('{"resourceSpans": []}');
    await page.locator('.banner.bad', { hasText: 'no spans in it' }).waitFor();
    const lines = [91, 92]
      .map((n) => JSON.stringify(request('elsewhere', [span(n, 1, null, `line ${n}`, now + n, now + n + 1)])))
      .join('\n');
    await page.evaluate((value) => {
      const data = new DataTransfer();
      data.items.add(new File([value], 'traces.jsonl'));
      document.body.dispatchEvent(
        new DragEvent('drop', {
          dataTransfer: data,
          bubbles: true,
          cancelable: true,
        }),
      );
    }, lines);
    await page.locator('.picker option').nth(1).waitFor({ state: 'attached' });
    await page.locator('.picker select').selectOption('1');
    await page.locator('.line[data-name="line 92"]').waitFor();
    const listed = await (await fetch(new URL('/api/traces?q=service:elsewhere', pair.page))).json();
    assert.equal(listed.rows.length, 0, 'what is pasted stays in the browser');
    await closed(page);
  });

  it('gives a trace as a file and the request as a line that runs', async () => {
    const page = await open('/', {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await complete(
      pair,
      {
        messages: [{ role: 'user', content: "What's a span?" }],
        max_tokens: 7,
        seed: 5,
      },
      'chat/completions',
    );
    await page.locator('.row', { hasText: '/v1/chat/completions' }).locator('a').first().click();
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    const line = await page.evaluate(() => navigator.clipboard.readText());
    const { stdout } = await promisify(execFile)('bash', ['-c', `${line.replace(/^curl /, 'curl -s ')}`]);
    assert.equal(JSON.parse(stdout).usage.completion_tokens <= 7, true, stdout);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'OTLP JSON' }).click(),
    ]);
    assert.match(download.suggestedFilename(), /^trace-[0-9a-f]{32}\.json$/);
    const file = JSON.parse(await readFile(await download.path(), 'utf8'));
    assert.ok(file.resourceSpans.length >= 1);
    await closed(page);
  });

  it('shows how the server does, from its metrics', async () => {
    const page = await open();
    await page.locator('.strip .tile').first().waitFor();
    const names = await page.locator('.tile-name').allInnerTexts();
    assert.deepEqual(names, ['Running', 'Waiting', 'Tokens/s', 'KV cache', 'Time to first token']);
    await page.waitForFunction(() => /≤/.test(document.querySelector('.first-token .tile-value')?.textContent ?? ''));
    await closed(page);
  });

  it('fits a screen of 400 pixels, in the light and in the dark', async () => {
    for (const colorScheme of ['light', 'dark']) {
      const page = await open('/', {
        viewport: { width: 400, height: 800 },
        colorScheme,
      });
      await rows(page).first().waitFor();
      const wide = () => page.evaluate(() => document.scrollingElement.scrollWidth);
      assert.equal(await wide(), 400);
      await page.locator('.row.kind-request a').first().click();
      await page.locator('.line').nth(1).click();
      await page.locator('.detail').waitFor();
      assert.equal(await wide(), 400);
      await closed(page);
    }
  });

  it('says that the connection is lost', async () => {
    const page = await open();
    await rows(page).first().waitFor();
    await page.locator('.connection.open').waitFor();
    await pair.stop();
    await page.locator('.banner.lost').waitFor();
    await page.locator('.connection.lost').waitFor();
    assert.ok((await rows(page).count()) > 0, 'what was shown stays');
    await closed(page);
  });

  it('asked no other host and broke no policy in all this', () => {
    assert.deepEqual(foreign, []);
    assert.deepEqual(violations, []);
  });
});
