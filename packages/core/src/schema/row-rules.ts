import type { SQL } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { AlcoveError } from '../error.ts';
import { mentions } from '../sqlite/mentions.ts';
import { isObject, kindOf, type KeysOf, refuseUnknownKeys } from '../unknown-keys.ts';
import type { Claims } from './define-mutator.ts';
import { tableIndexes } from './ddl.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';
import type { ColumnModel, RoomModel, TableModel } from './room-model.ts';

/**
 * What a rule says: a Drizzle condition over the columns of one row, which SQLite evaluates, or the same for every row. A condition that comes out as NULL
 * gives no right. `undefined`, which `or()` and `and()` of nothing are, is no answer: whoever it is asked for is refused.
 */
export type RowCondition = SQL | boolean | undefined;

/** A condition over one row and the reader's claims; `{}` for nobody. Of equal claims it must say the same each time: it may not look at anything else. */
export type RowRule<Table extends SQLiteTable> = { rule(row: Table, claims: Claims): RowCondition }['rule'];

/** Who sees and who may change the rows of one table. What is left out is allowed to everybody who is in the room. */
export interface TableRules<Table extends SQLiteTable> {
  /** Whether a reader gets the row. */
  readonly visibleTo?: RowRule<Table>;
  /**
   * By column: whether a reader who gets the row finds NULL in its place. The column is nullable, in no key and no CHECK,
   * and neither is what is computed from it; nor does a UNIQUE index look at it but as one of its columns.
   */
  readonly hiddenFrom?: { readonly [Column in keyof Table['_']['columns']]?: RowRule<Table> };
  /** Whether a mutation of that user may leave a row that was not there before it, by the row it left. A key that changes is a delete and an insert. */
  readonly mayInsert?: RowRule<Table>;
  /** Whether it may leave a row in another state: `before` and `after` are the same row, whose columns may be compared. */
  mayUpdate?(before: Table, after: Table, claims: Claims): RowCondition;
  /** Whether it may take a row away, by the row that was there. */
  readonly mayDelete?: RowRule<Table>;
}

/** Rules by the names the app uses for its tables. */
export type RoomRules<Schema extends Readonly<Record<string, SQLiteTable>>> = {
  readonly [Name in keyof Schema]?: TableRules<Schema[Name]>;
};

const TABLE_RULES: KeysOf<TableRules<SQLiteTable>> = {
  visibleTo: true,
  hiddenFrom: true,
  mayInsert: true,
  mayUpdate: true,
  mayDelete: true,
};

/** The rules of one table, as the room asks them. */
export interface TableRule {
  readonly table: SQLiteTable;
  /** In SQLite. */
  readonly name: string;
  readonly visibleTo: RowRule<SQLiteTable> | null;
  /** By the column's name in SQLite. */
  readonly hiddenFrom: ReadonlyMap<string, RowRule<SQLiteTable>>;
  readonly mayInsert: RowRule<SQLiteTable> | null;
  readonly mayUpdate: TableRules<SQLiteTable>['mayUpdate'] | null;
  readonly mayDelete: RowRule<SQLiteTable> | null;
}

/** Whether replicas may hold less than the room does. */
export const filtersReaders = (rules: readonly TableRule[]): boolean =>
  rules.some(({ visibleTo, hiddenFrom }) => visibleTo !== null || hiddenFrom.size > 0);

interface Drizzled {
  readonly schema: Readonly<Record<string, SQLiteTable>>;
  readonly model: RoomModel;
}

/**
 * The rules of a room, in the order of its tables.
 * @throws AlcoveError `schema_invalid`: names the table, and what cannot be.
 */
export function parseRules({ schema, model }: Drizzled, rules: unknown): readonly TableRule[] {
  if (rules === undefined) return [];
  if (!isObject(rules)) throw new AlcoveError('schema_invalid', `rules must be an object by table, and is ${kindOf(rules)}`);
  const unknown = Object.keys(rules).find((name) => !Object.hasOwn(schema, name));
  if (unknown !== undefined)
    throw new AlcoveError('schema_invalid', `rules names ${JSON.stringify(unknown)}, which is no table of the schema`);
  const given = Object.entries(rules).filter(([, ofTable]) => ofTable !== undefined);
  return Object.entries(schema).flatMap(([name, table], position): TableRule[] => {
    const own = given.find(([key]) => key === name)?.[1];
    const modelled = model.tables[position]; // the model has the tables of the schema in its order, and then its own
    return own === undefined || modelled === undefined ? [] : [parseTable(name, table, modelled, own)];
  });
}

function parseTable(key: string, table: SQLiteTable, model: TableModel, given: unknown): TableRule {
  refuseUnknownKeys('schema_invalid', `rules.${key}`, given, TABLE_RULES);
  if (model.serverOnly) throw invalid(key, 'the table is server-only: nobody sees it, and only the room’s own run of a mutator writes it');
  const rules = given as TableRules<SQLiteTable>; // an object with these keys and no others; each is looked at below
  const { hiddenFrom = {} } = rules;
  if (!isObject(hiddenFrom)) throw invalid(key, `hiddenFrom must be an object by column, and is ${kindOf(hiddenFrom)}`);
  return Object.freeze({
    table,
    name: model.name,
    visibleTo: ruleOf(key, 'visibleTo', rules.visibleTo),
    hiddenFrom: new Map(
      Object.entries(hiddenFrom).flatMap(([column, given]) => {
        const rule = ruleOf(key, `hiddenFrom.${column}`, given);
        return rule === null ? [] : [[hideable(key, column, table, model), rule] as const];
      }),
    ),
    mayInsert: ruleOf(key, 'mayInsert', rules.mayInsert),
    mayUpdate: ruleOf(key, 'mayUpdate', rules.mayUpdate),
    mayDelete: ruleOf(key, 'mayDelete', rules.mayDelete),
  });
}

function ruleOf<Rule>(table: string, name: string, rule: Rule | undefined): Rule | null {
  if (rule === undefined) return null;
  if (typeof rule !== 'function') throw invalid(table, `${name} must be a function of a row and claims, and is ${kindOf(rule)}`);
  return rule;
}

/** The column's name in SQLite. @throws AlcoveError `schema_invalid` where tabs could not do with NULL in its place. */
function hideable(key: string, property: string, table: SQLiteTable, model: TableModel): string {
  const column: unknown = Object.hasOwn(table, property) ? Reflect.get(table, property) : undefined;
  const name = isObject(column) && 'name' in column ? column.name : undefined;
  const modelled = model.columns.find((one) => one.name === name);
  if (modelled === undefined) throw invalid(key, `hiddenFrom names ${JSON.stringify(property)}, which is no column of it`);
  const why = whyShown(modelled, model);
  if (why === null) return modelled.name;
  throw invalid(key, `column ${JSON.stringify(property)} ${why}, and whoever may not see it gets NULL in its place`);
}

/** What would come of NULL in a column's place that a tab's table refuses, or that two rows of it could be refused over. */
function whyShown(column: ColumnModel, model: TableModel): string | null {
  if (model.key.includes(column.name)) return 'is part of the key';
  if (column.generated !== null) return 'is generated: hide what it is computed from';
  if (column.notNull) return 'is NOT NULL';
  const computed = computedFrom(column, model);
  const strict = computed.find(({ notNull }) => notNull);
  if (strict !== undefined) return `is what ${strict.name} is computed from, which is NOT NULL`;
  const concerns = (sql: string): boolean => [column, ...computed].some(({ name }) => mentions(sql, name));
  if (model.checks.some(({ sql }) => concerns(sql))) return 'stands in a CHECK';
  // Where the column itself is UNIQUE, rows with NULL are no equals; what is made of NULL may be.
  const made = tableIndexes(model).find(
    ({ unique, columns, where }) =>
      unique && ((where !== null && concerns(where)) || columns.some((sql) => sql !== quoteIdentifier(column.name) && concerns(sql))),
  );
  return made === undefined ? null : `stands in what the UNIQUE index ${made.name} is made of`;
}

/** Generated columns that another value of `column` may give another value. */
function computedFrom(column: ColumnModel, { columns }: TableModel): readonly ColumnModel[] {
  const found = new Set([column]);
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const one of columns) {
      if (one.generated !== null && [...found].some(({ name }) => mentions(one.generated?.sql ?? '', name))) found.add(one);
    }
  }
  return [...found].slice(1);
}

const invalid = (table: string, problem: string): AlcoveError =>
  new AlcoveError('schema_invalid', `rules of table ${JSON.stringify(table)}: ${problem}`);
