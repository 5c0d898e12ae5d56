import { useEffect, useRef, useState } from 'preact/hooks';
import { look } from './phases';
import type { Node } from './tree';
import type { View } from './waterfall';

const HEIGHT = 40;
const MIN_DRAG = 4;

interface Props {
  nodes: Node[];
  duration: number;
  view: View;
  zoomed: boolean;
  setView: (view: View | null) => void;
}

/** All spans at once, on a canvas: their number does not matter there. A drag zooms, a click shows the whole again. */
export function Minimap({ nodes, duration, view, zoomed, setView }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [drag, setDrag] = useState<[from: number, to: number] | null>(null);
  const [redrawn, redraw] = useState(0);

  useEffect(() => {
    const again = () => redraw((n) => n + 1);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const observer = new ResizeObserver(again);
    observer.observe(canvas.current!);
    scheme.addEventListener('change', again);
    return () => {
      observer.disconnect();
      scheme.removeEventListener('change', again);
    };
  }, []);

  useEffect(() => {
    const element = canvas.current!;
    const scale = devicePixelRatio || 1;
    const width = element.clientWidth;
    element.width = width * scale;
    element.height = HEIGHT * scale;
    const pen = element.getContext('2d')!;
    const style = getComputedStyle(element);
    const colours = new Map<string, string>();
    const colour = (kind: string): string => {
      const known = colours.get(kind) ?? style.getPropertyValue(`--${kind}`);
      colours.set(kind, known);
      return known;
    };
    pen.scale(scale, scale);
    const line = Math.max(HEIGHT / Math.max(nodes.length, 8), 0.25);
    nodes.forEach((node, i) => {
      const { span } = node;
      pen.fillStyle = span.error ? colour('error') : colour(look(span));
      const x = (span.start / duration) * width;
      pen.fillRect(
        x,
        (i / Math.max(nodes.length, 8)) * HEIGHT,
        Math.max(1, ((span.end - span.start) / duration) * width),
        Math.max(line - 1, 0.75),
      );
    });
  }, [nodes, duration, redrawn]);

  const share = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  const end = () => {
    if (!drag) return;
    const [a, b] = [Math.min(...drag), Math.max(...drag)];
    setDrag(null);
    setView((b - a) * canvas.current!.clientWidth < MIN_DRAG ? null : { from: a * duration, to: b * duration });
  };
  const [a, b] = drag ? [Math.min(...drag), Math.max(...drag)] : [view.from / duration, view.to / duration];
  return (
    <div
      class="minimap"
      title="Drag to zoom, click for the whole trace"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag([share(event), share(event)]);
      }}
      onPointerMove={(event) => drag && setDrag([drag[0], share(event)])}
      onPointerUp={end}
      onPointerCancel={() => setDrag(null)}
    >
      <canvas ref={canvas} aria-hidden="true" />
      {(zoomed || drag) && (
        <>
          <i class="shade" style={{ left: '0', width: `${a * 100}%` }} />
          <i class="shade" style={{ left: `${b * 100}%`, right: '0' }} />
        </>
      )}
    </div>
  );
}
