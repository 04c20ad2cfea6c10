import { formatBytes, formatNumber } from './panels/words.ts';

/**
 * How far the first load is, as the client counts it; an unknown total is null. `image`: the room's database as a file.
 * `rows`: the same as rows, from hosts that make no files. `reading`: the replica is there, the map's cities are being read from it.
 */
export interface LoadProgress {
  /** Where it comes from. `nowhere`: this device keeps nothing of it, and the room is not asked. */
  readonly from: 'room' | 'device' | 'nowhere';
  readonly phase: 'waiting' | 'image' | 'rows' | 'opening' | 'reading';
  readonly bytes: number;
  readonly bytesTotal: number | null;
  readonly rows: number;
  readonly rowsTotal: number | null;
}

interface Step {
  readonly phases: readonly LoadProgress['phase'][];
  readonly name: string;
}

const FROM_ROOM: readonly Step[] = [
  { phases: ['waiting'], name: 'Reaching the room' },
  { phases: ['image', 'rows'], name: 'Fetching its database' },
  { phases: ['opening'], name: 'Opening it in this tab' },
  { phases: ['reading'], name: 'Drawing the cities' },
];
const FROM_DEVICE: readonly Step[] = [
  { phases: ['waiting', 'opening'], name: 'Opening it from this device' },
  { phases: ['reading'], name: 'Drawing the cities' },
];

/** The empty chart's legend while the room arrives: what is done, what is under way, and how much of it. */
export function Loading({ title, progress }: { readonly title: string; readonly progress: LoadProgress }) {
  if (progress.from === 'nowhere') return <NotHere title={title} />;
  const steps = progress.from === 'room' ? FROM_ROOM : FROM_DEVICE;
  const at = steps.findIndex(({ phases }) => phases.includes(progress.phase));
  const part = shareOf(progress);
  return (
    <section className="slip loading" aria-label={`Loading ${title}`}>
      <h2>{title}</h2>
      <ol>
        {steps.map(({ name }, i) => (
          <li key={name} className={i < at ? 'is-done' : i === at ? 'is-now' : ''} aria-current={i === at ? 'step' : undefined}>
            <span>{name}</span>
            {i === at && <span className="figure">{figureOf(progress)}</span>}
          </li>
        ))}
      </ol>
      <div
        className={part === null ? 'ruler is-unmeasured' : 'ruler'}
        role="progressbar"
        aria-label={steps[at]?.name}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={part === null ? undefined : Math.round(part * 100)}
        style={{ '--share': part ?? 0 }}
      />
    </section>
  );
}

function NotHere({ title }: { readonly title: string }) {
  return (
    <section className="slip loading is-nowhere" aria-label={`Loading ${title}`}>
      <h2>{title}</h2>
      <p>You work offline, and this device keeps nothing of this trip. It comes as soon as you go online.</p>
    </section>
  );
}

function shareOf({ phase, bytes, bytesTotal, rows, rowsTotal }: LoadProgress): number | null {
  if (phase === 'image' && bytesTotal !== null && bytesTotal > 0) return Math.min(1, bytes / bytesTotal);
  if (phase === 'rows' && rowsTotal !== null && rowsTotal > 0) return Math.min(1, rows / rowsTotal);
  return null;
}

function figureOf({ phase, bytes, bytesTotal, rows, rowsTotal }: LoadProgress): string {
  if (phase === 'image' && bytes > 0)
    return bytesTotal === null ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(bytesTotal)}`;
  if (phase === 'rows' && rows > 0)
    return rowsTotal === null ? `${formatNumber(rows)} rows` : `${formatNumber(rows)} of ${formatNumber(rowsTotal)} rows`;
  return '';
}
