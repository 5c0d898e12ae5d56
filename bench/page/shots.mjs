// The pictures of the README, from a live run: list and waterfall, light and dark, wide and narrow, into docs/images.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { complete, openBrowser, root, startPair } from "./pair.mjs";

const STORIES = [
  "Once upon a time",
  "The lighthouse",
  "A small boat",
  "Long ago",
  "What is a span?",
  "What does a trace tell?",
];
const QUESTIONS = [
  "What is a trace?",
  "What is a batch?",
  "What is the queue?",
];

/** Some minutes of a server's life in some seconds: alone, together, streamed, refused. */
async function live(pair) {
  for (let i = 0; i < 6; i++)
    await complete(pair, {
      prompt: STORIES[i % STORIES.length],
      max_tokens: 48,
    });
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      STORIES.map((prompt, i) =>
        complete(pair, {
          prompt,
          max_tokens: 40 + 30 * i,
          temperature: 0.7,
          seed: round,
        }),
      ),
    );
    await complete(
      pair,
      {
        messages: [{ role: "user", content: QUESTIONS[round] }],
        max_tokens: 80,
        stream: true,
      },
      "chat/completions",
    );
  }
  await complete(pair, { model: "another-model", prompt: "x" });
  await Promise.all(
    STORIES.map((prompt, i) =>
      complete(pair, {
        prompt: `${prompt} `.repeat(12),
        max_tokens: 30 + 25 * i,
        temperature: 0.7,
        seed: 9,
      }),
    ),
  );
  await complete(
    pair,
    {
      messages: [{ role: "user", content: "What is a span?" }],
      max_tokens: 120,
      stream: true,
    },
    "chat/completions",
  );
}

const folder = path.join(root, "docs/images");
mkdirSync(folder, { recursive: true });
const pair = await startPair({
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true",
});
const browser = await openBrowser();
try {
  await live(pair);
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, height] of [
      [1280, 720],
      [400, 800],
    ]) {
      const page = await browser.newPage({
        viewport: { width, height },
        colorScheme,
      });
      await page.goto(pair.page);
      await page.locator(".row.kind-request").nth(10).waitFor();
      await page.locator(".strip").waitFor();
      await page.screenshot({
        path: path.join(folder, `list-${colorScheme}-${width}.png`),
      });
      await page.locator(".row.kind-request a").first().click();
      await page.locator(".line[data-name=finish]").first().waitFor();
      if (width > 1000) {
        await page.locator(".line[data-name=llm_request]").first().click();
        await page.locator(".detail").waitFor();
      }
      await page.screenshot({
        path: path.join(folder, `waterfall-${colorScheme}-${width}.png`),
      });
      await page.close();
    }
  }
} finally {
  await browser.close();
  await pair.stop();
}
console.log("docs/images is new; look at it before it is committed");
