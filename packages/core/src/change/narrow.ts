import type { RoomModel } from '../schema/room-model.ts';
import { replicatedShapes, type TableShape } from './table-shape.ts';
import type { WireCell, WireRows, WireTableChanges } from './wire-rows.ts';

/** Changes of a newer schema as a reader of `model` takes them: tables and columns that it does not have are left out. */
export function narrowChanges(model: RoomModel, changes: readonly WireTableChanges[]): WireTableChanges[] {
  const shapes = shapesByName(model);
  return changes.flatMap((change) => {
    const shape = shapes.get(change.table);
    if (shape === undefined) return [];
    const { columns, cells } = narrowColumns(shape, change.columns, change.puts);
    return [{ ...change, columns, puts: cells }];
  });
}

/** Rows of a snapshot, likewise; null: of a table that `model` does not have. */
export function narrowRows(model: RoomModel, rows: WireRows): WireRows | null {
  const shape = shapesByName(model).get(rows.table);
  return shape === undefined ? null : { ...rows, ...narrowColumns(shape, rows.columns, rows.cells) };
}

const shapesByName = (model: RoomModel): ReadonlyMap<string, TableShape> =>
  new Map(replicatedShapes(model).map((shape) => [shape.name, shape]));

function narrowColumns(
  shape: TableShape,
  names: readonly string[],
  columns: readonly (readonly WireCell[])[],
): { columns: string[]; cells: (readonly WireCell[])[] } {
  const known = new Set(shape.columns);
  const kept = names.flatMap((name, index) => {
    const cells = columns[index];
    return known.has(name) && cells !== undefined ? [{ name, cells }] : [];
  });
  return { columns: kept.map(({ name }) => name), cells: kept.map(({ cells }) => cells) };
}
