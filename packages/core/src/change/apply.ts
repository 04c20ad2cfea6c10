import { AlcoveError } from '../error.ts';
import type { RoomModel } from '../schema/room-model.ts';
import type { Database, Row } from '../sqlite/database.ts';
import { type ApplyStatements, applyStatements } from './apply-statements.ts';
import type { AppliedChanges, AppliedTable } from './applied-changes.ts';
import type { ChangeSet, RowChange, TableChanges } from './change-set.ts';
import { invertChangeSet } from './invert.ts';
import { changesSomething, keyOf, keyText, sameCell } from './row-key.ts';
import { replicatedShapes, sameNames, type TableShape } from './table-shape.ts';

/** Whole rows to stand afterwards and keys to be gone, as the wire brings them. */
export interface RowPuts {
  readonly table: string;
  readonly columns: readonly string[];
  /** Positions in `columns` of the key's columns, in key order. */
  readonly key: readonly number[];
  readonly puts: readonly Row[];
  /** Keys, in key order. */
  readonly deletes: readonly Row[];
}

/** Rows of one table, as a snapshot brings them. */
export interface TableRows {
  readonly table: string;
  readonly columns: readonly string[];
  readonly key: readonly number[];
  readonly rows: readonly Row[];
}

/**
 * Runs `fn` in a transaction in which no foreign key is enforced and no foreign-key action fires: around applyChangeSet and its like, whose change
 * sets already hold the effects of such actions. Not inside a transaction. Afterwards foreign keys are on, as drivers start.
 */
export function withForeignKeysOff<T>(database: Database, fn: () => T): T {
  database.setForeignKeys(false);
  try {
    return database.transaction(fn);
  } finally {
    database.setForeignKeys(true);
  }
}

/**
 * Brings the tables from the one state of `changeSet` to the other. A row of which only columns outside keys and UNIQUE indexes change is updated where it
 * is; every other touched key is deleted in every table, then the rows inserted, so that swapped UNIQUE values and deferred constraints do not matter. All
 * or nothing. Linear in the change set.
 *
 * The caller has foreign keys off (withForeignKeysOff, or a replica that keeps them off) and capture stopped. A column that `changeSet` does not
 * name, being older, gets its default.
 * @throws AlcoveError `schema_mismatch` for a table or column that `model` does not have; `constraint_failed` where the tables were not in the state
 * the change set starts from.
 */
export function applyChangeSet(
  database: Database,
  model: RoomModel,
  changeSet: ChangeSet,
  direction: 'forward' | 'backward',
): AppliedChanges {
  const { tables } = direction === 'forward' ? changeSet : invertChangeSet(changeSet);
  const plans = tables.map((table) => planOf(shapeFor(model, table), table));
  return database.transaction(() => {
    for (const { table, shape, changed } of plans) {
      const { remove } = applyStatements(database, shape, table.columns);
      for (const [index, key] of table.keys.entries()) if (changed[index] === null) remove.run(key);
    }
    for (const { table, shape, changed } of plans) {
      const statements = applyStatements(database, shape, table.columns);
      for (const [index, { after }] of table.rows.entries()) {
        if (after === null) continue;
        const positions = changed[index] ?? [];
        const isUpdated = positions.length > 0 && update(statements, positions, after, table.keys[index] ?? []);
        if (!isUpdated) statements.insert.run(after);
      }
    }
    return plans.map(({ table }) => table);
  });
}

interface Plan {
  readonly table: AppliedTable;
  readonly shape: TableShape;
  /** Of each row the positions that change, where it is updated; null: it is deleted, inserted or both. */
  readonly changed: readonly (readonly number[] | null)[];
}

function planOf(shape: TableShape, table: TableChanges): Plan {
  const keys = table.rows.map(({ before, after }) => keyOf(after ?? before ?? [], table.key));
  const isWhole = sameNames(table.columns, shape.columns);
  return { table: { ...table, keys }, shape, changed: table.rows.map((change) => (isWhole ? updatedIn(shape, change) : null)) };
}

/** Null where more than free columns change, or the row comes or goes. */
function updatedIn({ isFree }: TableShape, { before, after }: RowChange): number[] | null {
  if (before === null || after === null) return null;
  const positions: number[] = [];
  for (let position = 0; position < after.length; position += 1) {
    if (sameCell(before[position], after[position])) continue;
    if (isFree[position] !== true) return null;
    positions.push(position);
  }
  return positions.length === 0 ? null : positions;
}

/** False where no such row stands. */
function update(statements: ApplyStatements, positions: readonly number[], after: Row, key: Row): boolean {
  const values = positions.map((position) => after[position] ?? null);
  return statements.update(positions).run([...values, ...key]).changes > 0;
}

/**
 * Makes `puts` stand and `deletes` be gone, in every table at once, as applyChangeSet does and under its conditions. The answer holds the rows that
 * stood there before; keys that were put as they stood are left out of it.
 */
export function applyRowPuts(database: Database, model: RoomModel, tables: readonly RowPuts[]): AppliedChanges {
  const plans = tables.map((table) => ({ table, shape: shapeFor(model, table) }));
  return database.transaction(() => {
    const applied = plans.map(({ table, shape }) => removeKeys(database, table, shape));
    for (const { table, shape } of plans) {
      const { insert } = applyStatements(database, shape, table.columns);
      for (const row of table.puts) insert.run(row);
    }
    return applied.filter(({ rows }) => rows.length > 0);
  });
}

/** Inserts whole rows, none of whose keys stands there yet: a snapshot's. Conditions as for applyChangeSet. */
export function insertRows(database: Database, model: RoomModel, rows: TableRows): void {
  const shape = shapeFor(model, rows);
  const { insert } = applyStatements(database, shape, rows.columns);
  database.transaction(() => {
    for (const row of rows.rows) insert.run(row);
  });
}

/** Deletes every key of `table`; the answer pairs what stood there with what will. */
function removeKeys(database: Database, table: RowPuts, shape: TableShape): AppliedTable {
  const { removeReturning } = applyStatements(database, shape, table.columns);
  const changes = new Map<string, RowChange>();
  const replace = (key: Row, text: string, after: Row | null): void => {
    changes.set(text, { before: changes.get(text)?.before ?? null, after });
    // Under a collation the row that stood there may spell its key in another way.
    for (const before of removeReturning.all(key)) {
      const standing = keyText(before, table.key);
      changes.set(standing, { before, after: changes.get(standing)?.after ?? null });
    }
  };
  const wholeKey = table.key.map((_, index) => index);
  for (const key of table.deletes) replace(key, keyText(key, wholeKey), null);
  for (const row of table.puts) replace(keyOf(row, table.key), keyText(row, table.key), row);
  const rows = [...changes.values()].filter(changesSomething);
  return {
    table: table.table,
    columns: table.columns,
    key: table.key,
    rows,
    keys: rows.map(({ before, after }) => keyOf(after ?? before ?? [], table.key)),
  };
}

/** The model's own table of that name, checked to have these columns and this key: only its names get into SQL. */
function shapeFor(
  model: RoomModel,
  { table, columns, key }: { readonly table: string; readonly columns: readonly string[]; readonly key: readonly number[] },
): TableShape {
  const shape = replicatedShapes(model).find(({ name }) => name === table);
  if (shape === undefined) throw mismatch(`table ${JSON.stringify(table)}, which this schema does not have`);
  if (columns === shape.columns) return shape;
  const unknown = columns.find((column) => !shape.columns.includes(column));
  if (unknown !== undefined) throw mismatch(`column ${JSON.stringify(unknown)}, which table ${table} does not have`);
  const sameKey =
    key.length === shape.key.length && shape.key.every((position, index) => columns[key[index] ?? -1] === shape.columns[position]);
  if (!sameKey) throw mismatch(`table ${table} under another primary key than this schema's`);
  return shape;
}

const mismatch = (what: string): AlcoveError => new AlcoveError('schema_mismatch', `the changes are of ${what}`);
