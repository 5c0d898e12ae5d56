import { memo } from './memo';
import { count, duration, isoTime, time } from './format';
import type { Row } from './live';
import { PHASES } from './phases';
import { address, follow, type Route } from './route';

interface Props {
  row: Row;
  route: Route;
  longest: number;
  selected: boolean;
}

/** Phases in their share of the time; the longer the request, the longer the bar. */
function PhaseBar({ row, longest }: { row: Row; longest: number }) {
  const known = PHASES.map((phase) => [phase, row.phases?.[phase] ?? 0] as const).filter(([, ms]) => ms > 0);
  const total = known.reduce((sum, [, ms]) => sum + ms, 0);
  const title = known.map(([phase, ms]) => `${phase} ${duration(ms)}`).join(', ');
  // by the square root: beside one slow request the phases of the others can still be told apart
  const width = longest > 0 ? Math.max(16, Math.sqrt(Math.min(1, row.duration / longest)) * 100) : 0;
  return (
    <span class="phases" role="cell" title={title} aria-label={title}>
      {total > 0 && (
        <span class="phasebar" style={{ width: `${width}%` }}>
          {known.map(([phase, ms]) => (
            <i class={`phase-${phase}`} style={{ flexGrow: ms / total }} />
          ))}
        </span>
      )}
    </span>
  );
}

/** Word and class of a trace's status. */
function status(row: Row): [word: string, look: string] {
  const http = Number(row.httpStatus);
  if (row.status === 'error') return [row.httpStatus ? `error ${row.httpStatus}` : 'error', 'error'];
  if (http >= 500) return [`error ${http}`, 'error'];
  if (http >= 400) return [`refused ${http}`, 'refused'];
  if (row.finish && row.finish !== 'stop' && row.finish !== 'length') return [row.finish, 'refused'];
  if (row.finish) return [row.finish, 'fine'];
  return [row.httpStatus ?? (row.status === 'ok' ? 'ok' : '–'), 'fine'];
}

const ms = (value: number | undefined) => (value === undefined ? '' : duration(value));

function Line({ row, route, longest, selected }: Props) {
  const target: Route = { trace: row.id, span: null, filter: route.filter };
  const [word, look] = status(row);
  const tokens = row.tokensIn !== undefined || row.tokensOut !== undefined;
  return (
    <div
      class={`row kind-${row.kind}`}
      role="row"
      onClick={follow(target)}
      aria-current={selected ? 'true' : undefined}
      data-trace={row.id}
    >
      <time role="cell" class="c-time" dateTime={isoTime(row.start)} title={isoTime(row.start)}>
        {time(row.start)}
      </time>
      <span role="cell" class="c-request">
        <a href={address(target)} onClick={follow(target)}>
          {row.name}
        </a>
        <span class="of">{[row.service, row.model].filter(Boolean).join(' · ')}</span>
        {row.preemptions ? (
          <span class="note" title="times it lost its place in the batch">
            {row.preemptions}× preempted
          </span>
        ) : null}
        {row.droppedSpans > 0 && <span class="note">{count(row.droppedSpans)} spans left out</span>}
      </span>
      <PhaseBar row={row} longest={longest} />
      <span role="cell" class="c-tokens num" title="prompt tokens → generated tokens">
        {tokens && (
          <>
            {row.tokensIn === undefined ? '?' : count(row.tokensIn)}
            <span class="arrow"> → </span>
            {row.tokensOut === undefined ? '?' : count(row.tokensOut)}
          </>
        )}
        {!tokens && <span class="faint">{row.spans === 1 ? '1 span' : `${count(row.spans)} spans`}</span>}
      </span>
      <span role="cell" class="c-queue num" data-label="queue">
        {ms(row.queue)}
      </span>
      <span role="cell" class="c-first-token num" data-label="first">
        {ms(row.timeToFirstToken)}
      </span>
      <span role="cell" class="c-per-token num" data-label="per token">
        {ms(row.timePerOutputToken)}
      </span>
      <span role="cell" class="c-duration num">
        {duration(row.duration)}
      </span>
      <span role="cell" class="c-status">
        <span class={`status ${look}`}>{word}</span>
      </span>
    </div>
  );
}

export const RowLine = memo(
  Line,
  (a, b) =>
    a.row === b.row && a.longest === b.longest && a.selected === b.selected && a.route.filter === b.route.filter,
);
