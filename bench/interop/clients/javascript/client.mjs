// The official JavaScript SDK against a server: node client.mjs BASE_URL KEY
import OpenAI from 'openai';

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const messages = [{ role: 'user', content: 'What is a span?' }];

function check(condition, what) {
  if (!condition) throw new Error(`javascript: ${what}`);
}

async function rejects(kind, call, what) {
  try {
    await call();
  } catch (error) {
    check(error instanceof kind, `${what}: found ${error}`);
    return error;
  }
  throw new Error(`javascript: ${what}: nothing was thrown`);
}

const model = (await client.models.list()).data[0].id;

const plain = await client.completions.create({ model, prompt: 'Once upon a time', max_tokens: 24, temperature: 0 });
check(plain.choices[0].text && plain.choices[0].finish_reason === 'length', 'a completion');
let text = '';
let usage;
for await (const chunk of await client.completions.create({
  model, prompt: 'Once upon a time', max_tokens: 24, temperature: 0, stream: true, stream_options: { include_usage: true },
})) {
  text += chunk.choices[0]?.text ?? '';
  usage = chunk.usage ?? usage;
}
check(text === plain.choices[0].text, 'the stream says the same');
check(usage.completion_tokens === 24, "the stream's usage");

const chat = await client.chat.completions.create({ model, messages, max_tokens: 24, temperature: 0 });
check(chat.choices[0].message.content, 'a chat');
const runner = client.chat.completions.stream({ model, messages, max_tokens: 24, temperature: 0 });
check((await runner.finalContent()) === chat.choices[0].message.content, "the chat's stream says the same");

const left = await client.completions.create({ model, prompt: 'Once', max_tokens: 400, stream: true, ignore_eos: true });
for await (const _ of left) break;

await rejects(OpenAI.NotFoundError, () => client.completions.create({ model: 'nobody', prompt: 'a' }), 'an unknown model');
const bad = await rejects(
  OpenAI.BadRequestError, () => client.chat.completions.create({ model, messages, temperature: 9 }), 'a temperature of 9');
check(bad.param === 'temperature' && bad.status === 400, `its param and status: ${bad.param}, ${bad.status}`);
const stranger = new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 });
await rejects(OpenAI.AuthenticationError, () => stranger.models.list(), 'a wrong key');
console.log('javascript: openai ok');
