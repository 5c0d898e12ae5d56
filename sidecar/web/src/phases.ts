import type { Span } from './otlp';

/** Phases of a request in the order in which they are lived through; each has a colour and a pattern of its own in CSS. */
export const PHASES = ['tokenize', 'queue', 'prefill', 'decode', 'finish'] as const;
export type Phase = (typeof PHASES)[number];

/** What a phase is, for legends and tooltips. */
export const MEANING: Record<Phase, string> = {
  tokenize: 'template and tokenizer',
  queue: 'waiting for a place in the batch',
  prefill: 'computing the prompt',
  decode: 'token after token',
  finish: 'last token to last byte of the stream',
};

export type Look = Phase | 'request' | 'other';

/** How a span is drawn. */
export function look(span: Span): Look {
  if (span.name === 'prefill_chunk') return 'prefill';
  if ((PHASES as readonly string[]).includes(span.name)) return span.name as Phase;
  return span.name === 'llm_request' ? 'request' : 'other';
}
