import type { RoomModel } from '../schema/room-model.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';
import { CAPTURE_STATE_TABLE, CAPTURE_TABLE_PREFIX, CHECK_TRIGGER_PREFIX } from '../sqlite/system-tables.ts';
import { replicatedShapes, type TableShape } from './table-shape.ts';

/** What a capture table's row says of its key: nothing stood there before, or this row did. Reading adds the rows of now. */
const HAD_NONE = 0;
const HAD_ROW = 1;
export const HAS_ROW = 2;

const state = quoteIdentifier(CAPTURE_STATE_TABLE);

/** The capture table of the `index`-th replicated table. */
export const captureTable = (index: number): string => quoteIdentifier(`${CAPTURE_TABLE_PREFIX}${index}`);
const cell = (position: number): string => `c${position}`;
const column = (shape: TableShape, position: number): string => quoteIdentifier(shape.columns[position] ?? '');
const list = (count: number, sql: (position: number) => string): string =>
  Array.from({ length: count }, (_, position) => sql(position)).join(', ');

/** A table or trigger of capture, by its name. */
export interface CaptureObject {
  readonly type: 'table' | 'trigger';
  readonly name: string;
  readonly sql: string;
}

/** Everything capture needs beside the room's own tables, tables first. */
export function captureObjects(model: RoomModel): readonly CaptureObject[] {
  const shapes = replicatedShapes(model);
  const stateTable: CaptureObject = {
    type: 'table',
    name: CAPTURE_STATE_TABLE,
    sql: `CREATE TABLE ${state} (id integer PRIMARY KEY CHECK (id = 1), active integer NOT NULL)`,
  };
  return [stateTable, ...shapes.map(captureTableObject), ...shapes.flatMap(captureTriggers), ...shapes.flatMap(checkTriggers)];
}

/**
 * Typed as the table it watches, so that every value keeps its storage class and compares as it does there; but keys are told apart to the byte,
 * whatever their collation.
 */
function captureTableObject(shape: TableShape, index: number): CaptureObject {
  const columns = shape.types.map(({ declared, collation }, position) => `${cell(position)} ${declared} COLLATE ${collation}`);
  const key = shape.key.map((position) => `${cell(position)} COLLATE BINARY`).join(', ');
  return {
    type: 'table',
    name: `${CAPTURE_TABLE_PREFIX}${index}`,
    sql: `CREATE TABLE ${captureTable(index)} (had integer NOT NULL, ${columns.join(', ')}, PRIMARY KEY (${key})) WITHOUT ROWID`,
  };
}

/**
 * The first word about a key is the one that counts: ON CONFLICT DO NOTHING, which, unlike INSERT OR IGNORE, the OR REPLACE of the statement that
 * fires a trigger does not override.
 *
 * What is overwritten is caught BEFORE, because a foreign-key action of the same statement may touch the row again before an AFTER trigger runs.
 * What comes into being is caught AFTER an insert, when an automatic key is known and REPLACE has deleted (and caught) what stood there; but
 * BEFORE a key is changed, for the same foreign-key actions, by looking up what stands there now. A key set to null is its default there: under
 * OR REPLACE it becomes that, and otherwise nothing comes of it.
 */
function captureTriggers(shape: TableShape, index: number): readonly CaptureObject[] {
  const into = `INSERT INTO ${captureTable(index)}`;
  const once = 'ON CONFLICT DO NOTHING';
  const oldRow = `${into} VALUES (${HAD_ROW}, ${list(shape.columns.length, (position) => `OLD.${column(shape, position)}`)}) ${once};`;
  const insertedKey = shape.key.map((position) => `NEW.${column(shape, position)}`).join(', ');
  const marked = (values: string): string => `${into} (had, ${shape.key.map(cell).join(', ')}) VALUES (${HAD_NONE}, ${values}) ${once};`;
  const nextKey = (position: number): string => {
    const value = `NEW.${column(shape, position)}`;
    const defaultSql = shape.defaults[position] ?? null;
    return defaultSql === null ? value : `ifnull(${value}, ${defaultSql})`;
  };
  const standing = `${into} SELECT ${HAD_ROW}, ${list(shape.columns.length, (position) => column(shape, position))} FROM ${quoteIdentifier(shape.name)} WHERE ${sameKey(
    shape,
    (position) => column(shape, position),
    nextKey,
  )} ${once};`;
  const guard = `(SELECT active FROM ${state})`;
  const keyChanged = `(${shape.key.map((position) => `OLD.${column(shape, position)} IS NOT ${nextKey(position)} COLLATE BINARY`).join(' OR ')})`;
  const keyWhole = shape.key.map((position) => `${nextKey(position)} IS NOT NULL`).join(' AND ');
  const trigger = (what: string, timing: string, when: string, body: string): CaptureObject => {
    const name = `${CAPTURE_TABLE_PREFIX}${index}_${what}`;
    return {
      type: 'trigger',
      name,
      sql: `CREATE TRIGGER ${quoteIdentifier(name)} ${timing} ON ${quoteIdentifier(shape.name)} WHEN ${when} BEGIN ${body} END`,
    };
  };
  return [
    trigger('insert', 'AFTER INSERT', guard, marked(insertedKey)),
    trigger('delete', 'BEFORE DELETE', guard, oldRow),
    trigger('update', 'BEFORE UPDATE', guard, oldRow),
    trigger(
      'key',
      'BEFORE UPDATE',
      `${keyChanged} AND ${keyWhole} AND ${guard}`,
      `${standing} ${marked(shape.key.map(nextKey).join(', '))}`,
    ),
  ];
}

/** Equal keys, found through the table's own index first and then compared to the byte. */
function sameKey(shape: TableShape, left: (position: number) => string, right: (position: number) => string): string {
  return shape.key
    .map((position) => {
      const equal = `${left(position)} = ${right(position)}`;
      return shape.types[position]?.collation === 'BINARY' ? equal : `${equal} AND ${equal} COLLATE BINARY`;
    })
    .join(' AND ');
}

/**
 * A column without affinity for numbers would keep the REAL 5.0 beside the INTEGER 5, which JavaScript, JSON and the drivers cannot tell apart.
 * Rows that hold one are refused (`constraint_failed`), captured or not.
 */
function checkTriggers(shape: TableShape, index: number): readonly CaptureObject[] {
  const checked = shape.columns.filter((_, position) => shape.types[position]?.affinity === 'blob');
  if (checked.length === 0) return [];
  const steps = checked.map((name) => {
    const value = `NEW.${quoteIdentifier(name)}`;
    const message = `column ${name} of ${shape.name} has no number type and cannot hold the REAL value of a whole number; declare it real or integer`;
    return `SELECT RAISE(ABORT, '${message.replaceAll("'", "''")}') WHERE typeof(${value}) = 'real' AND ${value} = CAST(${value} AS integer) AND abs(${value}) <= ${Number.MAX_SAFE_INTEGER};`;
  });
  return ['INSERT', 'UPDATE'].map((verb) => {
    const name = `${CHECK_TRIGGER_PREFIX}${index}_${verb.toLowerCase()}`;
    return {
      type: 'trigger',
      name,
      sql: `CREATE TRIGGER ${quoteIdentifier(name)} AFTER ${verb} ON ${quoteIdentifier(shape.name)} BEGIN ${steps.join(' ')} END`,
    };
  });
}

/**
 * The rows that stood under the captured keys of the `index`-th table, each after HAD_ROW; then, after HAS_ROW, those that stand there now. Keys that only
 * came and went are not read at all.
 */
export function takeSql(shape: TableShape, index: number): string {
  const captured = `SELECT had, ${list(shape.columns.length, cell)} FROM ${captureTable(index)} WHERE had = ${HAD_ROW}`;
  const now = `SELECT ${HAS_ROW}, ${list(shape.columns.length, (position) => `t.${column(shape, position)}`)} FROM ${captureTable(index)} c CROSS JOIN ${quoteIdentifier(shape.name)} t`;
  return `${captured} UNION ALL ${now} WHERE ${sameKey(
    shape,
    (position) => `t.${column(shape, position)}`,
    (position) => `c.${cell(position)}`,
  )}`;
}

/** Terms of one expression: a Durable Object's SQLite nests expressions 100 deep, and a number holds 52 flags. */
export const TABLES_A_STATEMENT = 50;

/**
 * One statement for each TABLES_A_STATEMENT tables: how many keys of theirs were captured, and a number whose bit `i` tells whether the capture table of its
 * i-th table holds any.
 */
export function countSql(tables: number): readonly string[] {
  const statements: string[] = [];
  for (let first = 0; first < tables; first += TABLES_A_STATEMENT) {
    const part = Array.from({ length: Math.min(TABLES_A_STATEMENT, tables - first) }, (_, offset) => captureTable(first + offset));
    const counts = part.map((table) => `(SELECT count(*) FROM ${table})`);
    const flags = part.map((table, bit) => `(EXISTS (SELECT 1 FROM ${table}) << ${bit})`);
    statements.push(`SELECT ${counts.join(' + ')}, ${flags.join(' | ')}`);
  }
  return statements;
}
