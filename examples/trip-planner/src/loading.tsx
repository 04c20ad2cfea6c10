import { formatBytes, formatNumber } from './panels/words.ts';

/** How far the first load is. Figures are those of the client; an unknown total is null. */
export interface LoadProgress {
  readonly phase: 'connecting' | 'downloading' | 'opening' | 'catching-up';
  readonly bytes: number;
  readonly bytesTotal: number | null;
  readonly rows: number;
  readonly rowsTotal: number | null;
}

const PHASES: readonly { readonly phase: LoadProgress['phase']; readonly name: string }[] = [
  { phase: 'connecting', name: 'Reaching the room' },
  { phase: 'downloading', name: 'Fetching its database' },
  { phase: 'opening', name: 'Opening it in this tab' },
  { phase: 'catching-up', name: 'Catching up' },
];

/** The empty chart's legend while the room arrives: what is done, what is under way, and how much of it. */
export function Loading({ title, progress }: { readonly title: string; readonly progress: LoadProgress }) {
  const at = PHASES.findIndex(({ phase }) => phase === progress.phase);
  const part = shareOf(progress);
  return (
    <section className="slip loading" aria-label={`Loading ${title}`}>
      <h2>{title}</h2>
      <ol>
        {PHASES.map(({ phase, name }, i) => (
          <li key={phase} className={i < at ? 'is-done' : i === at ? 'is-now' : ''} aria-current={i === at ? 'step' : undefined}>
            <span>{name}</span>
            {i === at && <span className="figure">{figureOf(progress)}</span>}
          </li>
        ))}
      </ol>
      <div
        className={part === null ? 'ruler is-unmeasured' : 'ruler'}
        role="progressbar"
        aria-label={PHASES[at]?.name}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={part === null ? undefined : Math.round(part * 100)}
        style={{ '--share': part ?? 0 }}
      />
    </section>
  );
}

function shareOf({ phase, bytes, bytesTotal, rows, rowsTotal }: LoadProgress): number | null {
  if (phase === 'downloading' && bytesTotal !== null && bytesTotal > 0) return Math.min(1, bytes / bytesTotal);
  if (rowsTotal !== null && rowsTotal > 0) return Math.min(1, rows / rowsTotal);
  return null;
}

function figureOf({ phase, bytes, bytesTotal, rows, rowsTotal }: LoadProgress): string {
  if (phase === 'downloading' && bytes > 0)
    return bytesTotal === null ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(bytesTotal)}`;
  if (rows > 0) return rowsTotal === null ? `${formatNumber(rows)} rows` : `${formatNumber(rows)} of ${formatNumber(rowsTotal)} rows`;
  return '';
}
