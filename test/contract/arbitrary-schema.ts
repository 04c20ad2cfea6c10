import type { ColumnModel, ForeignKeyModel, IndexModel, RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { schemaIdOf } from '@alcove/core/schema/schema-id';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { SqlValue } from '@alcove/core/sqlite/database';
import { fc } from '../fake/properties.ts';

/** Draws a value; what fast-check's `gen` hands to a property. */
export type Draw = fc.GeneratorValue;

const KEY_TYPES = ['text', 'integer', 'text COLLATE NOCASE', 'real', 'blob', 'varchar(8) COLLATE RTRIM', 'numeric'] as const;
const TYPES = [...KEY_TYPES, 'integer', 'text'] as const;
const ACTIONS = [null, 'cascade', 'set null', 'set default', 'restrict'] as const;
const TABLE_NAMES = ['t', 'u', 'order', 'we"ird'] as const;
const COLUMN_NAMES = ['a', 'b', 'select', 'c d'] as const;

/** A room of one to four small tables of random keys, types, constraints and references between them and to themselves. */
export function drawModel(draw: Draw): RoomModel {
  const count = draw(fc.integer, { min: 1, max: TABLE_NAMES.length });
  const tables: TableModel[] = [];
  for (const name of TABLE_NAMES.slice(0, count)) tables.push(drawTable(draw, name, tables));
  return { schemaId: schemaIdOf(tables), tables };
}

function drawTable(draw: Draw, name: string, others: readonly TableModel[]): TableModel {
  const key = draw(fc.boolean) ? ['id'] : ['id', 'part'];
  const columns = [
    ...key.map((column) => drawColumn(draw, column, KEY_TYPES, true)),
    ...COLUMN_NAMES.slice(0, draw(fc.integer, { min: 0, max: COLUMN_NAMES.length })).map((column) =>
      drawColumn(draw, column, TYPES, false),
    ),
  ];
  const table: TableModel = {
    name,
    columns: [...columns, ...drawGenerated(draw, columns)],
    key,
    withoutRowid: draw(fc.boolean),
    serverOnly: false,
    uniques: columns
      .filter((column) => !column.notNull && draw(fc.boolean))
      .map((column) => ({ name: `${name}_${column.name}`, columns: [column.name] })),
    checks: [],
    foreignKeys: [],
    indexes: drawIndexes(draw, name, columns),
  };
  return { ...table, foreignKeys: drawForeignKeys(draw, table, others) };
}

/** UNIQUE indexes that depend on more than the columns they name, now and then. */
function drawIndexes(draw: Draw, table: string, columns: readonly ColumnModel[]): IndexModel[] {
  const first = columns.find((column) => !column.notNull);
  if (first === undefined || draw(fc.nat, { max: 5 }) > 0) return [];
  const name = quoteIdentifier(first.name);
  const last = quoteIdentifier(columns.at(-1)?.name ?? first.name);
  const made = draw(fc.constantFrom, { columns: [name], where: `${last} > 2` }, { columns: [`typeof(${name}) || ${name}`], where: null });
  return [{ name: `${table}_once`, unique: true, ...made }];
}

function drawColumn(draw: Draw, name: string, types: readonly string[], isKey: boolean): ColumnModel {
  const type = draw(fc.constantFrom, ...types);
  const defaultSql = draw(fc.constantFrom, null, null, '1', `'a'`);
  return { name, type, notNull: isKey, defaultSql, generated: null };
}

function drawGenerated(draw: Draw, columns: readonly ColumnModel[]): ColumnModel[] {
  const [first] = columns;
  if (first === undefined || !draw(fc.boolean)) return [];
  const sql = `typeof(${quoteIdentifier(first.name)}) || 'x'`;
  return [{ name: 'made', type: 'text', notNull: false, defaultSql: null, generated: { sql, stored: draw(fc.boolean) } }];
}

/** References to whole keys of one column and to unique columns, which may be the table's own. */
function drawForeignKeys(draw: Draw, table: TableModel, others: readonly TableModel[]): ForeignKeyModel[] {
  const targets = [...others, table].flatMap((target) => [
    ...(target.key.length === 1 ? target.key : []).map((column) => ({ table: target.name, column })),
    ...target.uniques.flatMap(({ columns }) => columns.map((column) => ({ table: target.name, column }))),
  ]);
  // A key that must refer to something is seldom filled, so it is rare.
  const referring = table.columns.filter((column) => column.generated === null && draw(fc.nat, { max: column.notNull ? 9 : 3 }) === 0);
  return referring.flatMap((column): ForeignKeyModel[] => {
    const target = targets.length === 0 ? undefined : targets[draw(fc.nat, { max: targets.length - 1 })];
    if (target === undefined) return [];
    return [
      {
        columns: [column.name],
        foreignTable: target.table,
        foreignColumns: [target.column],
        onDelete: draw(fc.constantFrom, ...ACTIONS),
        onUpdate: draw(fc.constantFrom, ...ACTIONS),
      },
    ];
  });
}

/** Few values, so that keys, UNIQUE columns and references meet; and the edges of every storage class. */
const COMMON: readonly SqlValue[] = [1, 2, 3, 4];
const TEXTS: readonly SqlValue[] = ['a', 'b', 'A', 'a '];
const EDGES: readonly SqlValue[] = [
  null,
  0,
  -1,
  Number.MAX_SAFE_INTEGER,
  -Number.MAX_SAFE_INTEGER,
  2 ** 31,
  2 ** 32 + 1,
  0.5,
  -2.25,
  1e300,
  5e-324,
  Number.POSITIVE_INFINITY,
  '',
  '7',
  '7.5',
  '1e3',
  'ä€𝄞',
  '\u0001',
  `'"\``,
  new Uint8Array(),
  new Uint8Array([0]),
  new Uint8Array([0, 255, 128]),
];

/** A value for `column`; now and then one that it refuses. */
export function drawValue(draw: Draw, column: ColumnModel): SqlValue {
  const kind = draw(fc.nat, { max: 9 });
  if (kind === 0) return draw(fc.constantFrom<SqlValue[]>, ...EDGES);
  if (kind < 5 && !column.notNull) return null;
  const prefersText = /text|char/.test(column.type) ? kind < 9 : kind === 9;
  return draw(fc.constantFrom<SqlValue[]>, ...(prefersText ? TEXTS : COMMON));
}
