import { keyOf } from '@alcove/core/change/row-key';
import { installCapture } from '@alcove/core/change/install-capture';
import { replicatedShapes, type TableShape } from '@alcove/core/change/table-shape';
import { AlcoveError } from '@alcove/core/error';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { RoomDefinition } from '@alcove/core/schema/define-room';
import { createTableSql, roomDdl } from '@alcove/core/schema/ddl';
import type { RowCondition, TableRules } from '@alcove/core/schema/row-rules';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { alias, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { DrawnStatement } from './arbitrary-statement.ts';
import type { Engine } from './engines.ts';
import { askEach, cellsText, type Contents, contentsOf } from './row-rules-oracle.ts';

type RowsByKey = ReadonlyMap<string, Row>;
type Rules = Readonly<Record<string, TableRules<SQLiteTable>>>;

/** Statements that one mutation runs. */
export interface JudgedRun {
  readonly statements: readonly DrawnStatement[];
  /** It fails with the first statement that does; else what fails is passed over. */
  readonly strict: boolean;
}

/**
 * A second copy of a room's tables, where the same statements run, and a judgement of what they left: whole tables are compared before and after, and each row that differs is
 * asked about alone, in tables that hold its two images and nothing else. Knows nothing of how the room captures, filters or judges.
 */
export class WriteJudge {
  readonly #definition: RoomDefinition;
  readonly #copy: Database;
  /** For one row at a time: its image after in the table, the one before in a table beside it. */
  readonly #court: Database;

  static async open(engine: Engine, definition: RoomDefinition): Promise<WriteJudge> {
    return new WriteJudge(definition, await engine.open(), await engine.open());
  }

  private constructor(definition: RoomDefinition, copy: Database, court: Database) {
    this.#definition = definition;
    this.#copy = copy;
    this.#court = court;
    const { model } = definition;
    for (const sql of roomDdl(model, { serverOnly: true })) copy.exec(sql);
    installCapture(copy, model); // never started; its checks of what a row may hold are the room's own
    court.setForeignKeys(false);
    for (const table of model.tables) {
      court.exec(createTableSql({ ...table, foreignKeys: [] }));
      court.exec(createTableSql({ ...table, name: beforeName(table.name), foreignKeys: [] }));
    }
  }

  /** What must come of the run: null where it is done, else the code it is rejected with. `claims`: null for the server's own calls. */
  decide(run: JudgedRun, claims: Claims | null): string | null {
    try {
      this.#copy.transaction(() => {
        const before = this.#tables();
        for (const statement of run.statements) this.#run(statement, run.strict);
        const after = this.#tables();
        if (claims !== null && !this.#allows(before, after, claims)) throw new AlcoveError('forbidden', 'the judge says no');
      });
      return null;
    } catch (error) {
      if (error instanceof AlcoveError) return error.code;
      throw error;
    }
  }

  contents(): Contents {
    return contentsOf(this.#copy, this.#definition.model);
  }

  close(): void {
    this.#copy.close();
    this.#court.close();
  }

  #run({ sql, params }: DrawnStatement, strict: boolean): void {
    try {
      this.#copy.prepare(sql).run([...params]);
    } catch (error) {
      if (strict || !(error instanceof AlcoveError)) throw error;
    }
  }

  #tables(): Map<TableShape, RowsByKey> {
    return new Map(
      replicatedShapes(this.#definition.model).map((shape) => {
        const rows = this.#copy
          .prepare(`SELECT ${shape.columns.map(quoteIdentifier).join(', ')} FROM ${quoteIdentifier(shape.name)}`)
          .all();
        return [shape, new Map(rows.map((row) => [cellsText(keyOf(row, shape.key)), row]))];
      }),
    );
  }

  #allows(before: ReadonlyMap<TableShape, RowsByKey>, after: ReadonlyMap<TableShape, RowsByKey>, claims: Claims): boolean {
    return [...after].every(([shape, rows]) => {
      const rules = (this.#definition.rules as Rules)[shape.name]; // by the tables' own names here
      const table = this.#definition.schema[shape.name];
      if (rules === undefined || table === undefined) return true;
      const were = before.get(shape) ?? new Map<string, Row>();
      return [...new Set([...were.keys(), ...rows.keys()])].every((key) =>
        this.#allowsRow(shape, table, rules, { before: were.get(key), after: rows.get(key) }, claims),
      );
    });
  }

  #allowsRow(
    shape: TableShape,
    table: SQLiteTable,
    rules: TableRules<SQLiteTable>,
    { before, after }: { readonly before: Row | undefined; readonly after: Row | undefined },
    claims: Claims,
  ): boolean {
    const name = quoteIdentifier(shape.name);
    const beside = quoteIdentifier(beforeName(shape.name));
    this.#stand(beside, shape, before);
    this.#stand(name, shape, after);
    if (before === undefined) return this.#holds(rules.mayInsert?.(table, claims), name, rules.mayInsert === undefined);
    if (after === undefined) return this.#holds(rules.mayDelete?.(table, claims), `${beside} AS ${name}`, rules.mayDelete === undefined);
    if (cellsText(before) === cellsText(after)) return true;
    const images = [alias(table, 'before'), alias(table, 'after')] as unknown as [SQLiteTable, SQLiteTable]; // the same columns under other names
    return this.#holds(
      rules.mayUpdate?.(...images, claims),
      `${beside} AS "before" CROSS JOIN ${name} AS "after"`,
      rules.mayUpdate === undefined,
    );
  }

  #holds(condition: RowCondition, from: string, isFree: boolean): boolean {
    if (isFree) return true;
    const answers = askEach(this.#court, from, condition);
    return typeof answers === 'boolean' ? answers : answers.length === 1 && answers[0] === true;
  }

  #stand(table: string, { columns }: TableShape, row: Row | undefined): void {
    this.#court.exec(`DELETE FROM ${table}`);
    if (row === undefined) return;
    this.#court
      .prepare(`INSERT INTO ${table} (${columns.map(quoteIdentifier).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
      .run([...row]);
  }
}

const beforeName = (table: string): string => `${table} before`;
