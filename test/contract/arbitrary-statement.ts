import type { ColumnModel, RoomModel, TableModel } from '@alcove/core/schema/room-model';
import type { SqlValue } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { fc } from '../fake/properties.ts';
import { type Draw, drawValue } from './arbitrary-schema.ts';

export interface DrawnStatement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

const CONFLICTS = ['', '', 'OR REPLACE ', 'OR REPLACE ', 'OR IGNORE ', 'OR FAIL ', 'OR ABORT '] as const;

/** A random write to one of the room's tables. Many fail on a constraint, as many writes of apps do. */
export function drawStatement(draw: Draw, model: RoomModel, kinds: readonly StatementKind[] = WEIGHTED_KINDS): DrawnStatement {
  const name = draw(fc.constantFrom, ...model.tables.map((table) => table.name));
  const table = model.tables.find((candidate) => candidate.name === name);
  const kind: StatementKind = draw(fc.constantFrom<StatementKind[]>, ...kinds);
  return table === undefined ? { sql: 'SELECT 1', params: [] } : KINDS[kind](draw, table);
}

const stored = (table: TableModel): ColumnModel[] => table.columns.filter((column) => column.generated === null);
const writable = (table: TableModel): string[] => stored(table).map(({ name }) => name);
const columnOf = (table: TableModel, name: string): ColumnModel => {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new RangeError(`no column ${name}`);
  return column;
};
const list = (names: readonly string[]): string => names.map(quoteIdentifier).join(', ');
const nameOf = (table: TableModel): string => quoteIdentifier(table.name);

function insert(draw: Draw, table: TableModel): DrawnStatement {
  const conflict = draw(fc.constantFrom, ...CONFLICTS);
  // Without their first column automatic keys and defaults come into play.
  const columns = stored(table).slice(draw(fc.nat, { max: 9 }) === 0 ? 1 : 0);
  if (columns.length === 0) return { sql: `INSERT ${conflict}INTO ${nameOf(table)} DEFAULT VALUES`, params: [] };
  const rows = Array.from({ length: draw(fc.integer, { min: 1, max: 3 }) }, () => columns.map((column) => drawValue(draw, column)));
  const marks = `(${columns.map(() => '?').join(', ')})`;
  return {
    sql: `INSERT ${conflict}INTO ${nameOf(table)} (${list(columns.map(({ name }) => name))}) VALUES ${rows.map(() => marks).join(', ')}`,
    params: rows.flat(),
  };
}

function upsert(draw: Draw, table: TableModel): DrawnStatement {
  const { sql, params } = insert(draw, table);
  const name = draw(fc.constantFrom<string[]>, ...writable(table));
  const column = quoteIdentifier(name);
  const actions = [
    `ON CONFLICT DO UPDATE SET ${column} = excluded.${column}`,
    `ON CONFLICT (${list(table.key)}) DO UPDATE SET ${column} = ?`,
    'ON CONFLICT DO NOTHING',
  ];
  const action = draw(fc.constantFrom, ...actions);
  return {
    sql: `${sql.replace(/^INSERT OR \w+/, 'INSERT')} ${sql.endsWith('DEFAULT VALUES') ? '' : action}`,
    params: action.includes('?') && !sql.endsWith('DEFAULT VALUES') ? [...params, drawValue(draw, columnOf(table, name))] : params,
  };
}

function insertSelect(draw: Draw, table: TableModel): DrawnStatement {
  const [first = '', ...rest] = writable(table);
  const shifted = draw(
    fc.constantFrom,
    `${quoteIdentifier(first)} + 1`,
    unlessBlob(quoteIdentifier(first), (name) => `${name} || 'b'`),
    quoteIdentifier(first),
  );
  const conflict = draw(fc.constantFrom, ...CONFLICTS);
  const selected = [shifted, ...rest.map(quoteIdentifier)].join(', ');
  return {
    sql: `INSERT ${conflict}INTO ${nameOf(table)} (${list([first, ...rest])}) SELECT ${selected} FROM ${nameOf(table)} WHERE true LIMIT 5`,
    params: [],
  };
}

function update(draw: Draw, table: TableModel): DrawnStatement {
  const all = writable(table);
  const chosen = draw(fc.subarray<string>, all, { minLength: 1, maxLength: Math.min(2, all.length) });
  const where = drawCondition(draw, table);
  const values = chosen.map((name) => drawValue(draw, columnOf(table, name)));
  const conflict = draw(fc.constantFrom, ...CONFLICTS);
  return {
    sql: `UPDATE ${conflict}${nameOf(table)} SET ${chosen.map((name) => `${quoteIdentifier(name)} = ?`).join(', ')}${where.sql}`,
    params: [...values, ...where.params],
  };
}

/** A blob taken as text is often none that any driver reads. */
const unlessBlob = (name: string, changed: (name: string) => string): string =>
  `CASE typeof(${name}) WHEN 'blob' THEN ${name} ELSE ${changed(name)} END`;

/** Moves keys along, onto each other or to another spelling. */
function updateKey(draw: Draw, table: TableModel): DrawnStatement {
  const name = draw(fc.constantFrom<string[]>, ...table.key);
  const key = quoteIdentifier(name);
  const moved = draw(
    fc.constantFrom,
    `${key} + 1`,
    `3 - ${key}`,
    unlessBlob(key, (name) => `upper(${name})`),
    unlessBlob(key, (name) => `${name} || ' '`),
    'NULL',
    key,
    '?',
  );
  const where = drawCondition(draw, table);
  const conflict = draw(fc.constantFrom, ...CONFLICTS);
  const params = moved === '?' ? [drawValue(draw, columnOf(table, name))] : [];
  return { sql: `UPDATE ${conflict}${nameOf(table)} SET ${key} = ${moved}${where.sql}`, params: [...params, ...where.params] };
}

function remove(draw: Draw, table: TableModel): DrawnStatement {
  const where = drawCondition(draw, table);
  return { sql: `DELETE FROM ${nameOf(table)}${where.sql}`, params: where.params };
}

const removeAll = (_draw: Draw, table: TableModel): DrawnStatement => ({ sql: `DELETE FROM ${nameOf(table)}`, params: [] });

function drawCondition(draw: Draw, table: TableModel): DrawnStatement {
  const name = draw(fc.constantFrom<string[]>, ...table.columns.map((column) => column.name));
  const column = quoteIdentifier(name);
  const condition = draw(
    fc.constantFrom,
    '',
    ` WHERE ${column} = ?`,
    ` WHERE ${column} = ?`,
    ` WHERE ${column} > ?`,
    ` WHERE ${column} IS NOT ?`,
  );
  return { sql: condition, params: condition === '' ? [] : [drawValue(draw, columnOf(table, name))] };
}

const KINDS = { insert, upsert, insertSelect, update, updateKey, remove, removeAll };
export type StatementKind = keyof typeof KINDS;
const WEIGHTED_KINDS: readonly StatementKind[] = [
  'insert',
  'insert',
  'insert',
  'upsert',
  'insertSelect',
  'update',
  'update',
  'updateKey',
  'updateKey',
  'remove',
  'removeAll',
];
