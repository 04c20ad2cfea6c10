import type { Claims } from '@alcove/core/schema/define-mutator';
import { isOneOf } from '@alcove/core/schema/is-one-of';
import type { TableModel } from '@alcove/core/schema/room-model';
import type { RowCondition, RowRule } from '@alcove/core/schema/row-rules';
import { and, eq, gt, inArray, isNull, like, lte, ne, not, or, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { fc } from '../fake/properties.ts';
import type { Draw } from './arbitrary-schema.ts';
import { drizzleColumn } from './drizzle-schema.ts';

/** What claims hold besides the subject: each of another class, for most rules; some are missing. */
export const CLAIMS: readonly Claims[] = [
  { level: 2, tag: 'a', list: ['a', 1, '7'], admin: false },
  { level: '2', tag: 'A', list: [2, 3, 'b', 0.5], admin: true },
  { level: null, list: [], tag: 'a ' },
  { level: 0.5, tag: '', list: [null, 'a '], admin: 1 },
  {},
];

const VALUES = [1, 2, 3, 0, -1, 0.5, '1', '2', '7', 'a', 'A', 'a ', 'b', '', 1e300, 2 ** 32 + 1];

type Condition = (row: readonly SQLiteTable[], claims: Claims) => SQL;

/** What SQLite holds a column against: a value of the rule's own, a claim, another column. */
function drawOperand(draw: Draw, table: TableModel): (row: readonly SQLiteTable[], claims: Claims) => unknown {
  const kind = draw(fc.nat, { max: 5 });
  if (kind < 2) {
    const value = draw(fc.constantFrom<typeof VALUES>, ...VALUES);
    return () => value;
  }
  if (kind < 5) {
    const claim = draw(fc.constantFrom, 'level', 'level', 'tag', 'sub', 'missing');
    return (_, claims) => claims[claim] ?? null;
  }
  const column = drawColumn(draw, table);
  return column;
}

function drawColumn(draw: Draw, table: TableModel): (row: readonly SQLiteTable[]) => SQLiteColumn {
  const name = draw(fc.constantFrom<string[]>, ...table.columns.map((column) => column.name));
  const which = draw(fc.nat, { max: 1 });
  return (row) => drizzleColumn(row[which % row.length] ?? (row[0] as SQLiteTable), name);
}

function drawComparison(draw: Draw, table: TableModel): Condition {
  const left = drawColumn(draw, table);
  const right = drawOperand(draw, table);
  const second = drawColumn(draw, table);
  const makers: readonly Condition[] = [
    (row, claims) => eq(left(row), right(row, claims)),
    (row, claims) => ne(left(row), right(row, claims)),
    (row, claims) => gt(left(row), right(row, claims)),
    (row, claims) => lte(left(row), right(row, claims)),
    (row, claims) => sql`${right(row, claims)} = ${left(row)}`,
    (row) => isNull(left(row)),
    (row, claims) => isOneOf(left(row), claims['list'] as unknown[] | undefined),
    (row, claims) => inArray(left(row), [1, 'a', right(row, claims) ?? 2]),
    (row) => like(left(row), 'a%'),
    (row, claims) => sql`${left(row)} like ${claims['tag'] ?? null} || '%'`,
    (row) => sql`${left(row)} = ${second(row)}`,
    (row) => sql`length(${left(row)}) > coalesce(${second(row)}, 1)`,
    (row) => sql`typeof(${left(row)}) = 'text'`,
    (row) => sql`${left(row)}`,
    (row) => sql`${left(row)} glob 'a*'`,
    (row, claims) => sql`${left(row)} between ${1} and ${right(row, claims)}`,
    (row) => sql`${left(row)} collate nocase = 'a'`,
    (row) => sql`${left(row)} + 0 > 1 or ${second(row)} is null`,
  ];
  return draw(fc.constantFrom<Condition[]>, ...makers);
}

function drawCondition(draw: Draw, table: TableModel, depth: number): Condition {
  const kind = depth === 0 ? 9 : draw(fc.nat, { max: 9 });
  if (kind > 4) return drawComparison(draw, table);
  const left = drawCondition(draw, table, depth - 1);
  const right = drawCondition(draw, table, depth - 1);
  if (kind < 2) return (row, claims) => or(left(row, claims), right(row, claims)) ?? sql`0`;
  if (kind < 4) return (row, claims) => and(left(row, claims), right(row, claims)) ?? sql`0`;
  return (row, claims) => not(left(row, claims));
}

/** A rule over one row, or over the two images of it. */
export function drawRule(draw: Draw, table: TableModel): (rows: readonly SQLiteTable[], claims: Claims) => RowCondition {
  const condition = drawCondition(draw, table, 2);
  const forAdmins = draw(fc.nat, { max: 5 });
  if (forAdmins === 0) return (rows, claims) => (claims['admin'] === true ? true : condition(rows, claims));
  if (forAdmins === 1) return (rows, claims) => (claims['tag'] === undefined ? false : condition(rows, claims));
  return condition;
}

export const drawRowRule = (draw: Draw, table: TableModel): RowRule<SQLiteTable> => {
  const rule = drawRule(draw, table);
  return (row, claims) => rule([row], claims);
};
