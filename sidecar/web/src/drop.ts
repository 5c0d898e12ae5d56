import { useEffect, useState } from 'preact/hooks';
import { typing } from './keys';
import { parseTraces, type Trace } from './otlp';

/** A file of traces is read whole; beyond this a browser would stand still. */
const MAX_BYTES = 256 << 20;

/** Traces out of a file that is dropped, chosen or pasted. Nothing of it leaves the browser. */
export function useFileIn(show: (traces: Trace[]) => void) {
  const [error, setError] = useState('');
  const [over, setOver] = useState(false);

  const take = (json: string) => {
    try {
      show(parseTraces(json));
      setError('');
    } catch (e) {
      setError((e as Error).message);
    }
  };
  const takeFile = async (file: File) => {
    if (file.size > MAX_BYTES) setError(`${file.name} has ${file.size} bytes, at most ${MAX_BYTES} are read.`);
    else take(await file.text());
  };

  useEffect(() => {
    const dragging = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      setOver(event.type === 'dragover');
    };
    const left = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const dropped = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      setOver(false);
      if (!file) return;
      event.preventDefault();
      void takeFile(file);
    };
    const pasted = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData('text') ?? '';
      const field = event.target instanceof Element && event.target.closest('input, textarea');
      if (field || !/^\s*[{[]/.test(text)) return;
      event.preventDefault();
      take(text);
    };
    const open = (event: KeyboardEvent) => event.key === 'O' && !typing(event) && choose();
    addEventListener('dragover', dragging);
    addEventListener('dragleave', left);
    addEventListener('drop', dropped);
    addEventListener('paste', pasted);
    addEventListener('keydown', open);
    return () => {
      removeEventListener('dragover', dragging);
      removeEventListener('dragleave', left);
      removeEventListener('drop', dropped);
      removeEventListener('paste', pasted);
      removeEventListener('keydown', open);
    };
  }, []);

  const choose = () => {
    const input = document.createElement('input');
    input.type = 'file';
    input.accept = '.json,.jsonl,application/json';
    input.addEventListener('change', () => {
      const file = input.files?.[0];
      if (file) void takeFile(file);
    });
    input.click();
  };
  return { error, over, choose, dismiss: () => setError('') };
}
