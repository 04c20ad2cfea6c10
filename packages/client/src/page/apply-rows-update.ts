import { AlcoveError } from '@alcove/core/error';
import type { Row } from '@alcove/core/sqlite/database';
import type { RowsUpdate } from '../query/rows-patch.ts';

/**
 * The next rows of a result out of the previous ones and an update. Rows that the update only names keep their identity.
 *
 * @throws AlcoveError `internal` where a patch names rows that are not there: the page has lost step with the engine.
 */
export function applyRowsUpdate<Mapped>(
  rows: readonly Mapped[],
  update: RowsUpdate,
  mapRows: (rows: readonly Row[]) => readonly Mapped[],
): readonly Mapped[] {
  if (update.kind === 'whole') return mapRows(update.rows);
  const next: Mapped[] = [];
  for (const part of update.parts) {
    if ('rows' in part) {
      for (const row of mapRows(part.rows)) next.push(row);
      continue;
    }
    if (part.from + part.count > rows.length) {
      throw new AlcoveError('internal', `a patch takes rows ${part.from} to ${part.from + part.count} of ${rows.length}`);
    }
    for (const row of rows.slice(part.from, part.from + part.count)) next.push(row);
  }
  return next;
}
