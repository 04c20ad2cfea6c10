import { namesThings } from './chart-choice.ts';
import { formatCell, formatExact, type ResultTable as Table } from './chart-scale.ts';

/** More rows than this make the page slow, not wiser: the rest is counted. */
const ROWS_SHOWN_MAX = 500;

/** A result as rows and columns; numbers stand right, nothing stands as a faint null. */
export function ResultTable({ table }: { readonly table: Table }) {
  const shown = table.rows.slice(0, ROWS_SHOWN_MAX);
  const numeric = table.columns.map((_, i) => shown.some((row) => typeof row[i] === 'number' || typeof row[i] === 'bigint'));
  const format = table.columns.map((column) => (namesThings(column) ? formatExact : formatCell));
  return (
    <>
      <table className="result">
        <thead>
          <tr>
            {table.columns.map((column, i) => (
              <th key={`${i} ${column}`} scope="col" className={numeric[i] === true ? 'figure' : undefined}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, r) => (
            <tr key={r}>
              {row.map((cell, i) => (
                <td key={`${r} ${table.columns[i]}`} className={cell === null ? 'nothing' : numeric[i] === true ? 'figure' : undefined}>
                  {(format[i] ?? formatCell)(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {table.rows.length > shown.length && (
        <p className="rest">{`and ${(table.rows.length - shown.length).toLocaleString('en')} more rows`}</p>
      )}
    </>
  );
}
