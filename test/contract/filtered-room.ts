import { mutator } from '@alcove/core/schema/define-mutator';
import type { MutatorTx } from '@alcove/core/schema/define-mutator';
import { defineRoom, type RoomDefinition } from '@alcove/core/schema/define-room';
import type { ColumnModel, RoomModel, TableModel } from '@alcove/core/schema/room-model';
import type { RowRule, TableRules } from '@alcove/core/schema/row-rules';
import { AlcoveError } from '@alcove/core/error';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { sql } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { fc } from '../fake/properties.ts';
import * as v from 'valibot';
import { drawRowRule, drawRule } from './arbitrary-rule.ts';
import { type Draw, drawModel } from './arbitrary-schema.ts';
import type { DrawnStatement } from './arbitrary-statement.ts';
import { drizzleSchema } from './drizzle-schema.ts';

type Rules = Record<string, TableRules<SQLiteTable>>;

/** A room of random tables and rules, whose one mutator runs statements of `statements`. */
export interface DrawnRoom {
  readonly definition: RoomDefinition;
  /** Filled while the test goes on; a mutation names them by position. */
  readonly statements: DrawnStatement[];
}

/** What a mutation runs; `strict`: it fails with the first statement that does. */
export const runArguments = v.object({ strict: v.boolean(), run: v.array(v.number()) });

/** @param kinds Which rules it has. */
export function drawFilteredRoom(draw: Draw, kinds: { readonly reads: boolean; readonly writes: boolean }): DrawnRoom {
  const drawn = drawModel(draw);
  const model = { tables: drawn.tables.map((table) => withGenerated(draw, table)) };
  const rules: Rules = {};
  for (const table of model.tables) rules[table.name] = drawTableRules(draw, table, kinds);
  const statements: DrawnStatement[] = [];
  return { definition: defined(model, rules, statements), statements };
}

/** Columns computed from what may be hidden, some of them UNIQUE or NOT NULL. */
function withGenerated(draw: Draw, table: TableModel): TableModel {
  const from = table.columns.find(({ name, generated, notNull }) => !notNull && generated === null && !table.key.includes(name));
  if (from === undefined || draw(fc.nat, { max: 2 }) > 0) return table;
  const source = quoteIdentifier(from.name);
  const column: ColumnModel = {
    name: 'computed',
    type: 'text',
    notNull: draw(fc.boolean),
    defaultSql: null,
    generated: { sql: draw(fc.constantFrom, `coalesce(${source}, 'none')`, `${source}`, `typeof(${source})`), stored: draw(fc.boolean) },
  };
  const isUnique = draw(fc.nat, { max: 3 }) === 0;
  return {
    ...table,
    columns: [...table.columns, column],
    indexes: [
      ...table.indexes,
      ...(isUnique ? [{ name: `${table.name}_computed`, unique: true, columns: [quoteIdentifier('computed')], where: null }] : []),
    ],
  };
}

function drawTableRules(
  draw: Draw,
  table: TableModel,
  { reads, writes }: { readonly reads: boolean; readonly writes: boolean },
): TableRules<SQLiteTable> {
  const maybe = (): RowRule<SQLiteTable> | undefined => (draw(fc.nat, { max: 3 }) === 0 ? undefined : drawRowRule(draw, table));
  // Where all that is added and taken away is refused, hardly a row is there to be changed.
  const seldom = (): RowRule<SQLiteTable> | undefined => (draw(fc.nat, { max: 2 }) > 0 ? undefined : drawRowRule(draw, table));
  const hideable = table.columns.filter(({ name, notNull, generated }) => !notNull && generated === null && !table.key.includes(name));
  const update = drawRule(draw, table);
  return {
    ...(reads ? { visibleTo: maybe() } : {}),
    ...(reads ? { hiddenFrom: Object.fromEntries(hideable.map(({ name }) => [name, maybe()])) } : {}),
    ...(writes
      ? {
          mayInsert: seldom(),
          mayDelete: seldom(),
          ...(draw(fc.nat, { max: 3 }) > 0 ? { mayUpdate: (before, after, claims) => update([before, after], claims) } : {}),
        }
      : {}),
  } as TableRules<SQLiteTable>; // without the parts that are undefined it would be that
}

/** Columns that cannot be hidden are left to be seen. */
function defined(model: Pick<RoomModel, 'tables'>, rules: Rules, statements: readonly DrawnStatement[]): RoomDefinition {
  const config = {
    name: 'trip',
    schema: drizzleSchema(model),
    withoutRowid: model.tables.filter(({ withoutRowid }) => withoutRowid).map(({ name }) => name),
    mutators: { run: mutator(runArguments, (tx, args) => runStatements(tx, statements, args)) },
    rules,
  };
  try {
    return defineRoom(config) as unknown as RoomDefinition; // of tables that are known when it runs
  } catch (error) {
    const refused =
      error instanceof AlcoveError ? /^rules of table "((?:[^"\\]|\\.)*)": column "((?:[^"\\]|\\.)*)"/.exec(error.message) : null;
    if (refused === null) throw error;
    const [table, column] = [JSON.parse(`"${refused[1]}"`), JSON.parse(`"${refused[2]}"`)] as [string, string];
    const hidden = Object.entries(rules[table]?.hiddenFrom ?? {}).filter(([name]) => name !== column);
    return defined(model, { ...rules, [table]: { ...rules[table], hiddenFrom: Object.fromEntries(hidden) } }, statements);
  }
}

export function runStatements(
  tx: MutatorTx,
  statements: readonly DrawnStatement[],
  { strict, run }: v.InferOutput<typeof runArguments>,
): void {
  for (const at of run) {
    const statement = statements[at];
    if (statement === undefined) throw new RangeError(`no statement ${at}`);
    try {
      tx.run(drizzled(statement));
    } catch (error) {
      if (strict || !(error instanceof AlcoveError) || !['constraint_failed', 'sql_failed'].includes(error.code)) throw error;
    }
  }
}

const drizzled = ({ sql: text, params }: DrawnStatement) =>
  sql.join(
    text.split('?').flatMap((part, index) => (index === 0 ? [sql.raw(part)] : [sql`${sql.param(params[index - 1])}`, sql.raw(part)])),
  );
