/** Numbers, times and durations as the page writes them: three figures, a unit, never more. */

const figures = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/** A duration in milliseconds: `438 µs`, `43.9 ms`, `1.23 s`, `2 m 5 s`. */
export function duration(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 0.0009995) return `${Math.round(ms * 1e6)} ns`;
  if (ms < 0.9995) return `${figures(ms * 1e3)} µs`;
  if (ms < 999.5) return `${figures(ms)} ms`;
  if (ms < 59_995) return `${figures(ms / 1e3)} s`;
  const seconds = Math.round(ms / 1e3);
  return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
}

/** A count with thin spaces between thousands. */
export const count = (value: number): string =>
  Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u2009');

/** A rate or share with three figures at most. */
export function rate(value: number): string {
  if (value >= 1000) return count(value);
  if (value >= 100 || value === 0) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export const percent = (share: number): string =>
  share > 0 && share < 0.1 ? `${(share * 100).toFixed(1)} %` : `${Math.round(share * 100)} %`;

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  if (value < 1 << 20) return `${figures(value / 1024)} KiB`;
  return `${figures(value / (1 << 20))} MiB`;
}

const two = (value: number): string => value.toString().padStart(2, '0');

/** Time of day here, with milliseconds; the day before it where it is not today. */
export function time(epochMs: number, now = new Date()): string {
  const at = new Date(epochMs);
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${at
    .getMilliseconds()
    .toString()
    .padStart(3, '0')}`;
  const today = at.toDateString() === now.toDateString();
  return today ? clock : `${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`;
}

export const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();

/** Round steps of an axis: at most `most` of them up to `length`. */
export function ticks(from: number, to: number, most: number): number[] {
  const span = to - from;
  if (!(span > 0)) return [];
  const rough = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? rough;
  const out: number[] = [];
  for (let i = Math.ceil(from / step - 1e-9) || 0; i * step <= to + step * 1e-9; i++) out.push(i * step);
  return out;
}
