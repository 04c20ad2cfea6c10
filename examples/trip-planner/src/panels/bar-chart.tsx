import type { Bars } from './chart-choice.ts';
import { formatCell, formatTick, share, ticks } from './chart-scale.ts';

const TICKS_MAX = 5;

/** Bars along a ruler, one a row; the longest name sets the margin. Figures stand beside the bars, so nothing has to be read off the ruler. */
export function BarChart({ bars: { labelColumn, valueColumn, bars, left } }: { readonly bars: Bars }) {
  const marks = ticks(
    bars.map((bar) => bar.value),
    TICKS_MAX,
  );
  const zero = share(0, marks);
  return (
    <figure className="chart" aria-label={`${valueColumn} by ${labelColumn}`} style={{ '--steps': Math.max(1, marks.length - 1) }}>
      <ol>
        <li className="chart-ticks" aria-hidden="true">
          <span className="chart-label">{labelColumn}</span>
          <span className="chart-track">
            {marks.map((mark) => (
              <span key={mark} style={{ '--at': share(mark, marks) }}>
                {formatTick(mark)}
              </span>
            ))}
          </span>
          <span className="figure">{valueColumn}</span>
        </li>
        {bars.map((bar, i) => {
          const end = share(bar.value, marks);
          return (
            <li key={i}>
              <span className="chart-label">{bar.label}</span>
              <span className="chart-track">
                <span className="chart-bar" style={{ '--from': Math.min(zero, end), '--to': Math.max(zero, end) }} />
              </span>
              <span className="figure">{formatCell(bar.value)}</span>
            </li>
          );
        })}
      </ol>
      {left > 0 && <figcaption>{`The first ${bars.length} of ${bars.length + left} rows`}</figcaption>}
    </figure>
  );
}
