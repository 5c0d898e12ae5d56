// The pictures of the README, from a live run: list and waterfall, light and dark, wide and narrow, into docs/images.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import UPNG from 'upng-js';
import { complete, openBrowser, root, startPair } from './pair.mjs';

const STORIES = ['Once upon a time', 'The lighthouse', 'A small boat', 'Long ago', 'The old clock', 'In the harbour'];
const QUESTIONS = ['What is a trace?', 'What is a batch?', 'What is the queue?'];

/** So little that six requests at once do not fit to their ends: some are preempted, as under load. */
const TIGHT = ['--kv-cache-memory-bytes', '5000000', '--max-model-len', '512'];

const chat = (question) =>
  complete(
    pair,
    {
      messages: [{ role: 'user', content: question }],
      max_tokens: 80,
      stream: true,
      stream_options: { include_usage: true },
    },
    'chat/completions',
  );

/** Some minutes of a server's life in some seconds: alone, together, streamed, refused. */
async function live() {
  for (let i = 0; i < 12; i++)
    await complete(pair, {
      prompt: STORIES[i % STORIES.length],
      max_tokens: 48,
    });
  for (const question of QUESTIONS) {
    await Promise.all(
      STORIES.map((prompt, i) =>
        complete(pair, {
          prompt,
          max_tokens: 40 + 30 * i,
          temperature: 0.7,
          seed: i,
        }),
      ),
    );
    await chat(question);
  }
  await complete(pair, { model: 'another-model', prompt: 'x' });
  await chat('What is a span?');
}

let busy = true;

/** Six clients that never rest, so that the strip has something to say. */
async function load() {
  await Promise.all(
    STORIES.map(async (prompt, i) => {
      for (let round = 0; busy; round++) {
        if (i < 2) await chat(QUESTIONS[(round + i) % QUESTIONS.length]);
        else if (i === 5 && round % 4 === 3) await complete(pair, { model: 'another-model', prompt: 'x' });
        else {
          const long = `${prompt} `.repeat(1 + ((round * 7 + i) % 12));
          await complete(pair, { prompt: long, max_tokens: 60 + 40 * i, temperature: 0.8, seed: round });
        }
        await new Promise((done) => setTimeout(done, 300 + 150 * i));
      }
    }),
  );
}

const newest = async (filter) =>
  (await (await fetch(new URL(`/api/traces?q=${encodeURIComponent(filter)}`, pair.page))).json()).rows[0].id;

/** A picture with the 256 colours that it has most of: a third of the bytes, and nobody sees a difference. */
async function shoot(page, name) {
  const picture = UPNG.decode(await page.screenshot());
  const small = UPNG.encode([UPNG.toRGBA8(picture)[0]], picture.width, picture.height, 256);
  writeFileSync(path.join(folder, `${name}.png`), Buffer.from(small));
}

const folder = path.join(root, 'docs/images');
mkdirSync(folder, { recursive: true });
const pair = await startPair({ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true' }, TIGHT);
const browser = await openBrowser();
try {
  await live();
  // its last spans are on their way
  await new Promise((done) => setTimeout(done, 1500));
  const shown = await newest('kind:request name:chat gen_ai.usage.output_tokens>10');
  const loaded = load();
  await new Promise((done) => setTimeout(done, 15_000));
  for (const colorScheme of ['light', 'dark']) {
    for (const [width, height] of [
      [1280, 720],
      [400, 800],
    ]) {
      const page = await browser.newPage({
        viewport: { width, height },
        colorScheme,
      });
      await page.goto(pair.page);
      await page.locator('.row.kind-request').nth(10).waitFor();
      await page.locator('.strip').waitFor();
      await shoot(page, `list-${colorScheme}-${width}`);
      await page.goto(new URL(`/trace/${shown}`, pair.page).href);
      await page.locator('.line[data-name=finish]').first().waitFor();
      if (width > 1000) {
        await page.locator('.line[data-name=llm_request]').first().click();
        await page.locator('.detail').waitFor();
      }
      await shoot(page, `waterfall-${colorScheme}-${width}`);
      await page.close();
    }
  }
  busy = false;
  await loaded;
} finally {
  await browser.close();
  await pair.stop();
}
console.log('docs/images is new; look at it before it is committed');
