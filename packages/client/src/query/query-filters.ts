import { tableShape, type TableShape } from '@alcove/core/change/table-shape';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Row } from '@alcove/core/sqlite/database';
import { tokenize } from '@alcove/core/sqlite/tokenize';
import { type ColumnName, type Conjunct, constantsOf, readConjunct } from './conjunct.ts';
import type { Condition, RowFilter } from './row-filter.ts';
import { type FromItem, selectParts } from './select-parts.ts';

/** A column of one item of FROM: its table's shape and the position in it. */
interface Place {
  readonly item: number;
  readonly column: number;
}

/** Conditions by item of FROM and column. */
type Found = Map<number, { column: number; condition: Condition }[]>;

/**
 * For each table that a query reads in plain sight: filters of which a row must meet at least one to matter to the result, one filter for each time the table
 * stands in FROM. A table that is missing here is not narrowed. Sound for joins of every kind: a condition in WHERE also refuses the NULLs of an outer
 * join, and `IS NULL` is left out there.
 */
export function queryFilters(model: RoomModel, sql: string, params: Row): Map<string, readonly RowFilter[]> {
  const filters = new Map<string, readonly RowFilter[]>();
  const tokens = tokenize(sql);
  const parts = selectParts(tokens);
  if (parts === null) return filters;
  const shapes = parts.items.map((item) => shapeOf(model, item));
  const constantOf = constantsOf(tokens, params);
  const conjuncts = parts.conjuncts.map((conjunct) => readConjunct(conjunct, constantOf)).filter((conjunct) => conjunct !== null);
  const found = conditionsOf(conjuncts, parts.items, shapes, parts.hasOuterJoin);
  for (const name of new Set(shapes.flatMap((shape) => shape?.name ?? []))) {
    const own = shapes.flatMap((shape, item) => (shape?.name === name ? [{ conditions: found.get(item) ?? [] }] : []));
    if (own.every((filter) => filter.conditions.length > 0)) filters.set(name, own);
  }
  return filters;
}

function shapeOf(model: RoomModel, item: FromItem): TableShape | null {
  const matches = model.tables.filter((table) => table.name.toUpperCase() === item.table);
  const [table] = matches;
  return table === undefined || matches.length > 1 || table.serverOnly ? null : tableShape(table);
}

function conditionsOf(
  conjuncts: readonly Conjunct[],
  items: readonly FromItem[],
  shapes: readonly (TableShape | null)[],
  hasOuterJoin: boolean,
): Found {
  const found: Found = new Map();
  const equal: [Place, Place][] = [];
  const note = (place: Place, condition: Condition): void => {
    if (condition.kind === 'null' && hasOuterJoin) return;
    const type = shapes[place.item]?.types[place.column];
    if (type === undefined || !isComparable(type, condition)) return;
    const own = found.get(place.item) ?? [];
    found.set(place.item, own);
    own.push({ column: place.column, condition });
  };
  for (const conjunct of conjuncts) {
    if (conjunct.kind === 'equal') {
      const left = placeOf(conjunct.left, items, shapes);
      const right = placeOf(conjunct.right, items, shapes);
      if (left !== null && right !== null) equal.push([left, right]);
    } else {
      const place = placeOf(conjunct.column, items, shapes);
      if (place !== null) for (const condition of conjunct.conditions) note(place, condition);
    }
  }
  spread(found, equal, shapes, note);
  return found;
}

/** `a.x = b.y AND b.y = 5` holds a.x to 5 too; once across each equality and back is enough for the joins people write. */
function spread(
  found: Found,
  equal: readonly [Place, Place][],
  shapes: readonly (TableShape | null)[],
  note: (place: Place, condition: Condition) => void,
): void {
  const both = [...equal, ...equal.map(([left, right]): [Place, Place] => [right, left])];
  for (const [from, to] of [...both, ...both]) {
    const [a, b] = [shapes[from.item]?.types[from.column], shapes[to.item]?.types[to.column]];
    if (a === undefined || b === undefined || a.affinity !== b.affinity || a.collation !== 'BINARY' || b.collation !== 'BINARY') continue;
    if (found.get(to.item)?.some(({ column, condition }) => column === to.column && condition.kind === 'in')) continue;
    for (const { column, condition } of found.get(from.item) ?? [])
      if (column === from.column && condition.kind === 'in') note(to, condition);
  }
}

/** The one column a name means; null where it is none of a replicated table, or could be several. */
function placeOf(name: ColumnName, items: readonly FromItem[], shapes: readonly (TableShape | null)[]): Place | null {
  const places: Place[] = [];
  for (const [item, { table, alias }] of items.entries()) {
    if (name.qualifier !== null && name.qualifier !== (alias ?? table)) continue;
    const shape = shapes[item];
    // What an unknown item offers under that name cannot be told.
    if (shape === null || shape === undefined) return null;
    for (const [column, own] of shape.columns.entries()) if (own.toUpperCase() === name.name) places.push({ item, column });
  }
  return places.length === 1 ? (places[0] ?? null) : null;
}

/** Whether JavaScript compares as SQLite does: no affinity that converts the constant, no collation but BINARY. */
function isComparable(type: TableShape['types'][number], condition: Condition): boolean {
  if (condition.kind === 'null' || condition.kind === 'notNull') return true;
  const constants = condition.kind === 'in' ? condition.values : [condition.value];
  if (constants.some((constant) => typeof constant === 'string') && type.collation !== 'BINARY') return false;
  if (type.affinity === 'blob') return true;
  return constants.every((constant) => (typeof constant === 'string') === (type.affinity === 'text'));
}
