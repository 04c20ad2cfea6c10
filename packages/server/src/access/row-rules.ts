import type { ChangeSet, RowChange, TableChanges } from '@alcove/core/change/change-set';
import { changesSomething } from '@alcove/core/change/row-key';
import { tableShape } from '@alcove/core/change/table-shape';
import type { TableShape } from '@alcove/core/change/table-shape';
import { AlcoveError, assert } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { TableModel } from '@alcove/core/schema/room-model';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { ReaderClass, TableFilter } from './reader-class.ts';
import { overRows } from './rule-failure.ts';
import type { RuleSql, RuleValue } from './rule-sql.ts';
import { SLOT, scratchTableSql } from './scratch-table.ts';

/** By table what SQLite says of its rows, in the change set's order; null: all of it is seen. */
type Answers = readonly (TableAnswers | null)[];
interface TableAnswers {
  readonly columns: readonly string[];
  /** As `sightSql` asks. */
  readonly rows: readonly Row[];
}

/** Positions of columns that are hidden in one image of a row which a class sees. */
type Hidden = readonly number[];

/** Of a change's number: where its rows stand in the scratch table. */
const beforeSlot = (change: number): number => 2 * change;
const afterSlot = (change: number): number => 2 * change + 1;

/**
 * Holds rows that stand in no table any more against rules, as SQLite would do where they stood: they are put into tables with the same names, types, collations and
 * generated columns, in a database in memory, and the rule is asked of columns. One for all rooms of a definition: nothing stays in it from call to call.
 */
export class RowRules {
  readonly #database: Database;
  readonly #tables: ReadonlyMap<string, { readonly model: TableModel; readonly shape: TableShape }>;

  /** `database`: empty, in memory, of the engine the rooms have; closed with this. */
  constructor({ model, tableRules }: AnyRoom, database: Database) {
    this.#database = database;
    const ruled = model.tables.filter(({ name }) => tableRules.some((rule) => rule.name === name));
    this.#tables = new Map(ruled.map((table) => [table.name, { model: table, shape: tableShape(table) }]));
    for (const table of ruled) database.exec(scratchTableSql(table));
  }

  /** @throws AlcoveError `rule_failed` where a rule of the class is no SQL over its table. */
  check({ filters }: ReaderClass): void {
    for (const filter of filters.values()) {
      try {
        this.#database.prepare(sightSql(filter)).all(sightParams(filter));
      } catch (cause) {
        throw new AlcoveError('rule_failed', `the rules of table ${filter.table}: ${AlcoveError.from(cause).message}`, { cause });
      }
    }
  }

  /**
   * What each class gets of a change set, in its order: rows it did not see before and sees now as new ones, those it sees no more as deleted, NULL in place of what is
   * hidden. One object for classes that get the same; the change set itself where that is all of it. An error, `rule_failed`, for a class whose rules fail over a row.
   */
  changesFor(changeSet: ChangeSet, classes: readonly ReaderClass[]): (ChangeSet | AlcoveError)[] {
    const touched = changeSet.tables.filter(({ table }) => classes.some(({ filters }) => filters.has(table)));
    if (touched.length === 0) return classes.map(() => changeSet);
    const known = new Map<string, ChangeSet>();
    return this.#standing(touched, () =>
      classes.map((reader) => {
        const answers = this.#answersOf(changeSet, reader);
        if (answers instanceof AlcoveError) return answers;
        const text = JSON.stringify(answers);
        const filtered = known.get(text) ?? this.#filtered(changeSet, answers);
        known.set(text, filtered);
        return filtered;
      }),
    );
  }

  /** What a class gets of whole rows of a table. @throws AlcoveError `rule_failed` */
  rowsFor(table: string, rows: readonly Row[], { filters }: ReaderClass): readonly Row[] {
    const filter = filters.get(table);
    if (filter === undefined || rows.length === 0) return rows;
    const { shape } = this.#table(table);
    const changes = rows.map((after): RowChange => ({ before: null, after }));
    return this.#standing([{ table, columns: shape.columns, key: shape.key, rows: changes }], () => {
      const sights = this.#sights(table, this.#answers(filter));
      return rows.flatMap((row, index) => {
        const seen = seenOf(row, sights.get(afterSlot(index)));
        return seen === null ? [] : [seen];
      });
    });
  }

  /** Numbers of the changes of `table` for which a condition over the rows before and after, as tables of those names, does not hold. */
  unfulfilled(table: TableChanges, rule: RuleSql, kind: 'insert' | 'update' | 'delete'): boolean {
    const concerned = table.rows.flatMap(({ before, after }, index) => (kindOf(before, after) === kind ? [index] : []));
    if (concerned.length === 0 || rule === true) return false;
    if (rule === false) return true;
    return this.#standing([table], () => {
      const name = quoteIdentifier(table.table);
      const from =
        kind === 'update'
          ? `${name} AS "before" JOIN ${name} AS "after" ON "after".${SLOT} = "before".${SLOT} + 1 WHERE "before".${SLOT} % 2 = 0`
          : `${name} WHERE ${SLOT} % 2 = ${kind === 'insert' ? 1 : 0}`;
      const slot = kind === 'update' ? `"before".${SLOT}` : SLOT;
      const asked = `${RULE_FOR[kind]} of table ${table.table}`;
      const answers = this.#ask(asked, `SELECT ${slot}, (${rule.sql}) IS TRUE FROM ${from}`, rule.params);
      const fulfilled = new Set(answers.flatMap(([at, holds]) => (holds === 1 ? [Number(at)] : [])));
      return concerned.some((index) => !fulfilled.has(kind === 'insert' ? afterSlot(index) : beforeSlot(index)));
    });
  }

  close(): void {
    this.#database.close();
  }

  #filtered(changeSet: ChangeSet, answers: Answers): ChangeSet {
    const tables = changeSet.tables.flatMap((changes, index): TableChanges[] => {
      const own = answers[index];
      if (own == null) return [changes];
      const sights = this.#sights(changes.table, own);
      const rows = changes.rows.map((change, number) => seenChange(change, sights, number)).filter(changesSomething);
      if (isSame(rows, changes.rows)) return [changes];
      return rows.length === 0 ? [] : [{ ...changes, rows }];
    });
    return isSame(tables, changeSet.tables) ? changeSet : { tables };
  }

  #answersOf({ tables }: ChangeSet, { filters }: ReaderClass): Answers | AlcoveError {
    try {
      return tables.map(({ table }) => {
        const filter = filters.get(table);
        return filter === undefined ? null : this.#answers(filter);
      });
    } catch (error) {
      if (error instanceof AlcoveError && error.code === 'rule_failed') return error;
      throw error;
    }
  }

  #answers(filter: TableFilter): TableAnswers {
    const rows = this.#ask(readRulesOf(filter), sightSql(filter), sightParams(filter));
    return { columns: filter.hidden.map(({ column }) => column), rows };
  }

  /** What SQLite says of a rule that does not compile speaks of the rule alone, and stays. */
  #ask(what: string, sql: string, params: readonly RuleValue[]): Row[] {
    const statement = this.#database.prepare(sql);
    assert(statement.columns.length > 0, 'what asks a rule has answers'); // it is compiled by now
    return overRows(what, () => statement.all([...params]));
  }

  #sights(table: string, { columns, rows }: TableAnswers): Map<number, Hidden> {
    const { shape } = this.#table(table);
    const positions = columns.map((column) => shape.columns.indexOf(column));
    return new Map(rows.map(([slot, ...shown]) => [Number(slot), positions.filter((_, index) => shown[index] !== 1)]));
  }

  /** Runs `ask` while the rows before and after these changes stand in the scratch tables. */
  #standing<Answer>(tables: readonly TableChanges[], ask: () => Answer): Answer {
    return this.#database.transaction(() => {
      for (const { table, rows } of tables) {
        const { shape } = this.#table(table);
        const names = [SLOT, ...shape.columns.map(quoteIdentifier)];
        const insert = this.#database.prepare(
          `INSERT INTO ${quoteIdentifier(table)} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
        );
        for (const [index, { before, after }] of rows.entries()) {
          if (before !== null) insert.run([beforeSlot(index), ...before]);
          if (after !== null) insert.run([afterSlot(index), ...after]);
        }
      }
      const answer = ask();
      for (const { table } of tables) this.#database.prepare(`DELETE FROM ${quoteIdentifier(table)}`).run();
      return answer;
    });
  }

  #table(name: string): { readonly model: TableModel; readonly shape: TableShape } {
    const table = this.#tables.get(name);
    assert(table !== undefined, `a rule for table ${name}, which has none`);
    return table;
  }
}

const kindOf = (before: Row | null, after: Row | null): 'insert' | 'update' | 'delete' =>
  before === null ? 'insert' : after === null ? 'delete' : 'update';

/** What SQLite did not speak of is not seen. */
function seenOf(row: Row | null, hidden: Hidden | undefined): Row | null {
  if (row === null || hidden === undefined) return null;
  return hidden.length === 0 ? row : row.map((cell, position) => (hidden.includes(position) ? null : cell));
}

function seenChange(change: RowChange, sights: ReadonlyMap<number, Hidden>, number: number): RowChange {
  const before = seenOf(change.before, sights.get(beforeSlot(number)));
  const after = seenOf(change.after, sights.get(afterSlot(number)));
  return before === change.before && after === change.after ? change : { before, after };
}

const isSame = <Item>(some: readonly Item[], all: readonly Item[]): boolean =>
  some.length === all.length && some.every((item, index) => item === all[index]);

const flag = (rule: RuleSql, is: 'TRUE' | 'FALSE'): string => {
  if (typeof rule === 'boolean') return rule === (is === 'TRUE') ? '1' : '0';
  return `(${rule.sql}) IS ${is}`;
};

const paramsOf = (rule: RuleSql): readonly RuleValue[] => (typeof rule === 'boolean' ? [] : rule.params);

/** For each image that is seen: its slot, and for each column that may be hidden whether it is shown, which is asked of no other image, as where a class reads a table. */
const sightSql = ({ table, visible, hidden }: TableFilter): string =>
  `SELECT ${[SLOT, ...hidden.map(({ when }) => flag(when, 'FALSE'))].join(', ')} FROM ${quoteIdentifier(table)} WHERE ${flag(visible, 'TRUE')}`;

const sightParams = ({ visible, hidden }: TableFilter): RuleValue[] => [
  ...hidden.flatMap(({ when }) => paramsOf(when)),
  ...paramsOf(visible),
];

/** Names what a class is asked of a table, in errors. */
export const readRulesOf = ({ table, visible, hidden }: TableFilter): string =>
  `${[...(typeof visible === 'boolean' ? [] : ['visibleTo']), ...hidden.map(({ column }) => `hiddenFrom.${column}`)].join(' or ')} of table ${table}`;

const RULE_FOR = { insert: 'mayInsert', update: 'mayUpdate', delete: 'mayDelete' } as const;

/** Where a class reads a table itself: what stands for each column, and which rows. Parameters in that order, for a statement that binds nothing before. */
export interface FilteredSelect {
  readonly cells: readonly string[];
  readonly cellParams: readonly RuleValue[];
  /** Null: all. */
  readonly where: string | null;
  readonly whereParams: readonly RuleValue[];
}

export function filteredSelect(columns: readonly string[], filter: TableFilter | undefined): FilteredSelect {
  const hidden = new Map(filter?.hidden.map(({ column, when }) => [column, when]));
  const { visible = true } = filter ?? {};
  return {
    cells: columns.map((column) => {
      const when = hidden.get(column);
      return when === undefined ? quoteIdentifier(column) : `CASE WHEN ${flag(when, 'FALSE')} THEN ${quoteIdentifier(column)} END`;
    }),
    cellParams: columns.flatMap((column) => paramsOf(hidden.get(column) ?? true)),
    where: visible === true ? null : flag(visible, 'TRUE'),
    whereParams: paramsOf(visible),
  };
}
