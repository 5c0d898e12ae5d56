import { attribute, numberOf, valueText, type Span, type Trace } from './otlp';

/** What the head of a trace says. Absent numbers are null. */
export interface Facts {
  generations: Span[];
  model: string;
  tokensIn: number | null;
  tokensOut: number | null;
  queue: number | null;
  firstToken: number | null;
  perToken: number | null;
  errors: number;
  /** When the first token of the first generation came, in milliseconds after the trace's start. */
  firstTokenAt: number | null;
}

const OUT = ['gen_ai.usage.completion_tokens', 'gen_ai.usage.output_tokens'];
const IN = ['gen_ai.usage.prompt_tokens', 'gen_ai.usage.input_tokens'];

const seconds = (value: number | null): number | null => (value === null ? null : value * 1e3);

function sum(spans: Span[], keys: string[]): number | null {
  const known = spans.map((span) => numberOf(span.attributes, ...keys)).filter((n): n is number => n !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0);
}

export function facts(trace: Trace): Facts {
  const engine = trace.spans.filter((span) => span.name === 'llm_request');
  const generations =
    engine.length > 0 ? engine : trace.spans.filter((span) => numberOf(span.attributes, ...OUT) !== null);
  generations.sort((a, b) => a.start - b.start);
  const first = generations[0];
  const of = (...keys: string[]) => (first ? seconds(numberOf(first.attributes, ...keys)) : null);
  const firstOut = first ? numberOf(first.attributes, ...OUT) : null;
  const decode = of('gen_ai.latency.time_in_model_decode');
  const firstToken = of('gen_ai.latency.time_to_first_token', 'gen_ai.response.time_to_first_chunk');
  const model =
    first &&
    (attribute(first.attributes, 'gen_ai.request.model') ?? attribute(first.attributes, 'gen_ai.response.model'));
  return {
    generations,
    model: model ? valueText(model) : '',
    tokensIn: sum(generations, IN),
    tokensOut: sum(generations, OUT),
    queue: of('gen_ai.latency.time_in_queue'),
    firstToken,
    perToken: decode !== null && firstOut !== null && firstOut > 1 ? decode / (firstOut - 1) : null,
    errors: trace.spans.filter((span) => span.error).length,
    firstTokenAt: first && firstToken !== null ? first.start + firstToken : null,
  };
}
