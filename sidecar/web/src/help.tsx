import { useEffect, useRef } from 'preact/hooks';
import { MEANING, PHASES } from './phases';

const KEYS: [keys: string, does: string][] = [
  ['/', 'to the filter'],
  ['j k', 'next, previous trace or span'],
  ['Enter', 'open the trace; details of the span'],
  ['h l', 'collapse, expand below the span'],
  ['+ − 0', 'zoom in on the span, out, whole trace'],
  ['e', 'next span with an error'],
  ['O', 'open a file of OTLP JSON'],
  ['Esc', 'close what is open, back to the list'],
];

const FILTERS: [term: string, means: string][] = [
  ['service:spandrel', 'a span of a service whose name contains it'],
  ['name:decode', 'a span whose name contains it'],
  ['status:error', 'a span failed; also ok, unset, or an HTTP status such as 429'],
  ['kind:request', 'request, step, start or other'],
  ['duration>250ms', 'also >= < <=, and ns us ms s m'],
  ['gen_ai.response.model=tiny*', 'an attribute of a span or resource; * is any text'],
  ['gen_ai.usage.output_tokens>=64', 'an attribute as a number'],
  ['trace:4bf92f', 'a trace id that begins so'],
  ['"once upon"', 'text in a name or attribute value'],
  ['-name:start', 'a minus turns a term round'],
];

export function Help({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      <div class="help-body">
        <section>
          <h2>Keys</h2>
          <dl>
            {KEYS.map(([keys, does]) => (
              <>
                <dt>
                  {keys.split(' ').map((key) => (
                    <kbd>{key}</kbd>
                  ))}
                </dt>
                <dd>{does}</dd>
              </>
            ))}
          </dl>
          <h2>Phases</h2>
          <dl class="legend">
            {PHASES.map((phase) => (
              <>
                <dt>
                  <i class={`swatch phase-${phase}`} /> {phase}
                </dt>
                <dd>{MEANING[phase]}</dd>
              </>
            ))}
          </dl>
        </section>
        <section>
          <h2>Filter</h2>
          <p>Terms are separated by blanks; all must hold. Write a blank inside of double quotes.</p>
          <dl class="syntax">
            {FILTERS.map(([term, means]) => (
              <>
                <dt>
                  <code>{term}</code>
                </dt>
                <dd>{means}</dd>
              </>
            ))}
          </dl>
        </section>
      </div>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
