// The running pair, as `./spandrel dev` starts it, and a browser to look at it.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const START_MS = 180_000;

export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Starts dev and returns when it says that it is ready. */
export async function startPair(environment = {}, flags = []) {
  const [api, page] = [await freePort(), await freePort()];
  const dev = spawn(path.join(root, 'spandrel'), ['dev', '--port', `${api}`, '--page-port', `${page}`, ...flags], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const ready = new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`dev is not ready after ${START_MS} ms:\n${said}`)), START_MS);
    const read = (chunk) => {
      said += chunk;
      if (said.includes('Ctrl-C stops both')) {
        clearTimeout(timer);
        done();
      }
    };
    dev.stdout.on('data', read);
    dev.stderr.on('data', read);
    dev.on('exit', (code) => fail(new Error(`dev ended with ${code}:\n${said}`)));
  });
  await ready;
  const logs = /Logs are in (\S+)\//.exec(said)[1];
  const readyLine = readFileSync(path.join(root, logs, 'sidecar.out'), 'utf8');
  const stop = () =>
    new Promise((done) => {
      if (dev.exitCode !== null) return done();
      dev.removeAllListeners('exit');
      dev.on('exit', done);
      dev.kill('SIGTERM');
    });
  return {
    said,
    stop,
    api: /API +(\S+)\/v1/.exec(said)[1],
    page: /trace page +(\S+)/.exec(said)[1],
    otlp: `http://${/http ([^,]+),/.exec(readyLine)[1]}`,
  };
}

/** One request; returns when its last byte is there. */
export async function complete(pair, body, route = 'completions') {
  const answer = await fetch(`${pair.api}/v1/${route}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      model: 'spandrel-tiny',
      max_tokens: 24,
      temperature: 0,
      ...body,
    }),
  });
  const text = await answer.text();
  return { status: answer.status, text, at: performance.now() };
}

/** Spans straight to the sidecar, as OTLP/JSON. */
export async function send(pair, request) {
  const answer = await fetch(`${pair.otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (!answer.ok) throw new Error(`the sidecar answered ${answer.status}: ${await answer.text()}`);
}

const hex = (number, digits) => number.toString(16).padStart(digits, '0');

/** Ids out of a number, the same every time. */
export const traceId = (number) => hex(0xfeed0000 + number, 32);
export const spanId = (number) => hex(number + 1, 16);

/** A span in OTLP/JSON; times in milliseconds since 1970. */
export function span(trace, id, parent, name, start, end, more = {}) {
  return {
    traceId: traceId(trace),
    spanId: spanId(id),
    ...(parent === null ? {} : { parentSpanId: spanId(parent) }),
    name,
    kind: 1,
    startTimeUnixNano: `${Math.round(start * 1e3)}000`,
    endTimeUnixNano: `${Math.round(end * 1e3)}000`,
    ...more,
  };
}

export const text = (key, value) => ({ key, value: { stringValue: value } });
export const whole = (key, value) => ({ key, value: { intValue: `${value}` } });

export const request = (service, spans) => ({
  resourceSpans: [
    {
      resource: { attributes: [text('service.name', service)] },
      scopeSpans: [{ scope: { name: 'bench' }, spans }],
    },
  ],
});

/** Debian's Chromium, or the one that CHROMIUM names. */
export async function openBrowser() {
  const executablePath =
    process.env.CHROMIUM ??
    ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  if (!executablePath)
    throw new Error('no Chromium found; install it (Debian: apt-get install chromium) or set CHROMIUM');
  // root cannot use Chromium's sandbox, and the page is ours
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}
