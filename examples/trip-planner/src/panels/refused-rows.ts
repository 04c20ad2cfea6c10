import type { RefusedRow } from './write-marks.ts';

type Row<Stop> =
  | { readonly kind: 'stop'; readonly stop: Stop; readonly index: number }
  | { readonly kind: 'refused'; readonly refused: RefusedRow };

/** The stops in their order, and among them, where they would be, those that were not accepted. A stop keeps its place in `stops` as its `index`. */
export function rowsWithRefused<Stop extends { readonly position: string }>(
  stops: readonly Stop[],
  refusedRows: readonly RefusedRow[],
): readonly Row<Stop>[] {
  const rows: Row<Stop>[] = [];
  const refused = [...refusedRows].sort((a, b) => (a.position < b.position ? -1 : 1));
  let next = 0;
  for (const [index, stop] of stops.entries()) {
    // Where a stop has taken the place since, the refused one comes behind it.
    for (let one = refused[next]; one !== undefined && one.position < stop.position; one = refused[++next])
      rows.push({ kind: 'refused', refused: one });
    rows.push({ kind: 'stop', stop, index });
  }
  return [...rows, ...refused.slice(next).map((one): Row<Stop> => ({ kind: 'refused', refused: one }))];
}
