import { Capture } from '@alcove/core/change/capture';
import type { ChangeSet, RowChange } from '@alcove/core/change/change-set';
import { insertRows, withForeignKeysOff } from '@alcove/core/change/apply';
import { installCapture } from '@alcove/core/change/install-capture';
import { replicatedShapes } from '@alcove/core/change/table-shape';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database, Row, SqlValue } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { Engine } from './engines.ts';

/** Everything the replicated tables hold: per table its rows by key, each with the storage class of every column, generated ones included. */
export type Contents = ReadonlyMap<string, ReadonlyMap<string, StoredRow>>;

export interface StoredRow {
  readonly row: Row;
  /** `typeof()` of every column, then the values of generated columns. */
  readonly classes: readonly SqlValue[];
}

/** A room's tables with capture on one engine, and an oracle that knows nothing of capture: it compares what the tables hold. */
export class ChangeRoom {
  readonly database: Database;
  readonly model: RoomModel;
  readonly capture: Capture;

  static async open(engine: Engine, model: RoomModel): Promise<ChangeRoom> {
    return new ChangeRoom(await engine.open(), model);
  }

  private constructor(database: Database, model: RoomModel) {
    for (const sql of roomDdl(model, { serverOnly: false })) database.exec(sql);
    installCapture(database, model);
    this.database = database;
    this.model = model;
    this.capture = new Capture(database, model);
    this.capture.start();
  }

  /** Runs statements one after the other, uncaught. */
  run(...statements: readonly string[]): void {
    for (const sql of statements) this.database.prepare(sql).run();
  }

  /** Puts rows into empty tables, as a snapshot does. */
  fill(contents: Contents): void {
    this.uncaptured(() => {
      for (const shape of replicatedShapes(this.model)) {
        const rows = [...(contents.get(shape.name)?.values() ?? [])].map(({ row }) => row);
        insertRows(this.database, this.model, { table: shape.name, columns: shape.columns, key: shape.key, rows });
      }
    });
  }

  /** Runs `fn` as apply is to be run: foreign keys off, capture stopped. Fails if anything was captured meanwhile. */
  uncaptured(fn: () => void): void {
    withForeignKeysOff(this.database, () => {
      const captured = this.capture.rowCount();
      this.capture.stop();
      fn();
      if (this.capture.rowCount() !== captured) throw new RangeError('a write was captured while capture was stopped');
      this.capture.start();
    });
  }

  contents(): Contents {
    const contents = new Map<string, ReadonlyMap<string, StoredRow>>();
    for (const shape of replicatedShapes(this.model)) {
      const all = this.model.tables.find(({ name }) => name === shape.name)?.columns ?? [];
      const generated = all.filter((column) => column.generated !== null).map(({ name }) => name);
      const selected = [
        ...shape.columns.map(quoteIdentifier),
        ...all.map(({ name }) => `typeof(${quoteIdentifier(name)})`),
        ...generated.map(quoteIdentifier),
      ];
      const rows = new Map<string, StoredRow>();
      for (const row of this.database.prepare(`SELECT ${selected.join(', ')} FROM ${quoteIdentifier(shape.name)}`).all()) {
        const stored = { row: row.slice(0, shape.columns.length), classes: row.slice(shape.columns.length) };
        rows.set(cellsText(shape.key.map((position) => stored.row[position] ?? null)), stored);
      }
      contents.set(shape.name, new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1))));
    }
    return contents;
  }
}

/** What changed between two contents, by comparing every row. */
export function differenceOf(before: Contents, after: Contents): Map<string, Map<string, RowChange>> {
  const difference = new Map<string, Map<string, RowChange>>();
  for (const [table, rows] of after) {
    const old = before.get(table) ?? new Map<string, StoredRow>();
    const changes = new Map<string, RowChange>();
    for (const key of new Set([...old.keys(), ...rows.keys()])) {
      const change = { before: old.get(key)?.row ?? null, after: rows.get(key)?.row ?? null };
      if (cellsText(change.before) !== cellsText(change.after)) changes.set(key, change);
    }
    if (changes.size > 0) difference.set(table, changes);
  }
  return difference;
}

/** A change set in the form of differenceOf. */
export function asDifference(changeSet: ChangeSet): Map<string, Map<string, RowChange>> {
  return new Map(
    changeSet.tables.map(({ table, key, rows }) => [
      table,
      new Map(rows.map((change) => [cellsText(key.map((position) => (change.after ?? change.before)?.[position] ?? null)), change])),
    ]),
  );
}

const cellsText = (row: Row | null): string =>
  JSON.stringify(
    row?.map((cell) => (cell instanceof Uint8Array ? { blob: [...cell] } : typeof cell === 'number' ? { number: String(cell) } : cell)) ??
      null,
  );
