import { useRef, useState } from 'preact/hooks';

/** To the clipboard; by the old way where the page is not from a secure origin. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'offscreen';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('the browser does not copy');
}

/** A button that copies, and says so for a moment. */
export function Copy({ text, label, title }: { text: string; label: string; title?: string }) {
  const [said, say] = useState('');
  const timer = useRef(0);
  const click = async () => {
    try {
      await copy(text);
      say('Copied');
    } catch {
      say('Cannot copy');
    }
    clearTimeout(timer.current);
    timer.current = setTimeout(() => say(''), 1500) as unknown as number;
  };
  return (
    <button type="button" class="copy" title={title} onClick={click} aria-live="polite">
      {said || label}
    </button>
  );
}
