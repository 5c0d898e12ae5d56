import { attribute, valueText, type Attributes, type Trace } from './otlp';

interface Message {
  role: string;
  content: string;
}

/** Messages in the JSON of the GenAI conventions; none where the attribute is absent or not of their shape. */
export function messages(attributes: Attributes, key: string): Message[] {
  const json = attribute(attributes, key);
  if (typeof json !== 'string') return [];
  try {
    const parsed: unknown = JSON.parse(json);
    if (!Array.isArray(parsed)) return [];
    return parsed.map((message) => ({
      role: String(message.role ?? ''),
      content: (Array.isArray(message.parts) ? message.parts : [])
        .map((part: { content?: unknown }) => (typeof part.content === 'string' ? part.content : ''))
        .join(''),
    }));
  } catch {
    return [];
  }
}

const PARAMETERS: [key: string, parameter: string][] = [
  ['gen_ai.request.max_tokens', 'max_tokens'],
  ['gen_ai.request.temperature', 'temperature'],
  ['gen_ai.request.top_p', 'top_p'],
  ['gen_ai.request.top_k', 'top_k'],
  ['gen_ai.request.seed', 'seed'],
  ['gen_ai.request.stop_sequences', 'stop'],
  ['gen_ai.request.stream', 'stream'],
];

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The request of a trace as a line for a shell; null where its content was not captured. */
export function asCurl(trace: Trace): string | null {
  const span = trace.spans.find((s) => messages(s.attributes, 'gen_ai.input.messages').length > 0);
  if (!span) return null;
  const input = messages(span.attributes, 'gen_ai.input.messages');
  const get = (key: string) => attribute(span.attributes, key);
  const chat = get('gen_ai.operation.name') === 'chat';
  const body: Record<string, unknown> = { model: get('gen_ai.request.model') ?? get('gen_ai.response.model') };
  if (chat) body.messages = input;
  else body.prompt = input.map((message) => message.content).join('');
  for (const [key, parameter] of PARAMETERS) {
    const value = get(key);
    if (value !== null) body[parameter] = value;
  }
  // a temperature of 0 has no attribute, as in vLLM
  body.temperature ??= 0;
  const host = valueText(get('server.address') ?? '127.0.0.1');
  const port = get('server.port') === null ? '' : `:${valueText(get('server.port'))}`;
  const path = chat ? '/v1/chat/completions' : '/v1/completions';
  const address = `http://${host.includes(':') ? `[${host}]` : host}${port}${path}`;
  return `curl ${quoted(address)} -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`;
}
