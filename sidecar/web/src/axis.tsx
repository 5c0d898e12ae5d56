import { useRef, useState } from 'preact/hooks';
import { duration, ticks } from './format';
import { place, type View } from './waterfall';

/** A drag of fewer pixels is a click. */
const MIN_DRAG = 4;

interface Props {
  view: View;
  setView: (view: View | null) => void;
  firstTokenAt: number | null;
  narrow: boolean;
}

/** The common axis; a drag along it zooms, a double click shows the whole again. */
export function Axis({ view, setView, firstTokenAt, narrow }: Props) {
  const strip = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<[from: number, to: number] | null>(null);
  const share = (event: PointerEvent) => {
    const box = strip.current!.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  const end = () => {
    if (!drag) return;
    const [a, b] = [Math.min(...drag), Math.max(...drag)];
    setDrag(null);
    if ((b - a) * strip.current!.clientWidth < MIN_DRAG) return;
    const length = view.to - view.from;
    setView({ from: view.from + a * length, to: view.from + b * length });
  };
  const first = firstTokenAt !== null && firstTokenAt >= view.from && firstTokenAt <= view.to ? firstTokenAt : null;
  return (
    <div class="axis" role="presentation">
      <div class="name">
        <span class="key">
          <i class="critical-key" /> critical path
        </span>
      </div>
      <div
        class="track"
        ref={strip}
        title="Drag to zoom, double-click for the whole trace"
        onDblClick={() => setView(null)}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag([share(event), share(event)]);
        }}
        onPointerMove={(event) => drag && setDrag([drag[0], share(event)])}
        onPointerUp={end}
        onPointerCancel={() => setDrag(null)}
      >
        {ticks(view.from, view.to, narrow ? 3 : 7).map((at) => (
          <span class={!narrow && place(at, view) > 92 ? 'tick last' : 'tick'} style={{ left: `${place(at, view)}%` }}>
            {!(narrow && place(at, view) > 75) && duration(at)}
          </span>
        ))}
        {first !== null && (
          <span
            class={place(first, view) > (narrow ? 60 : 85) ? 'flag last' : 'flag'}
            style={{ left: `${place(first, view)}%` }}
          >
            first token
          </span>
        )}
        {drag && (
          <i
            class="brush"
            style={{ left: `${Math.min(...drag) * 100}%`, width: `${Math.abs(drag[1] - drag[0]) * 100}%` }}
          />
        )}
      </div>
    </div>
  );
}
