import { insertRows } from '@alcove/core/change/apply';
import { keyOf } from '@alcove/core/change/row-key';
import { replicatedShapes } from '@alcove/core/change/table-shape';
import { applyWireChanges, rowsFromWire } from '@alcove/core/change/wire';
import { assert } from '@alcove/core/error';
import type { CommitMessage, ServerMessage, ServerMessageOf } from '@alcove/core/protocol/server-message';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { Engine } from './engines.ts';
import { cellsText, type Contents, contentsOf } from './row-rules-oracle.ts';

/** A replica in the plainest form, of any room: applies what it is sent, and refuses what does not follow. */
export class FilteredReader {
  readonly #model: RoomModel;
  readonly #fresh: () => Promise<Database>;
  #database: Database;
  version = -1;
  hash = '';
  view = '';
  historyId = '';
  /** Whether a snapshot is on its way. */
  isLoading = true;
  /** An image was offered and waits to be fetched. */
  wantsImage = false;
  errors: ServerMessage[] = [];
  snapshots = 0;
  commits = 0;
  #chunks = 0;
  #expectedRows = 0;
  #rows = 0;

  static async open(engine: Engine, model: RoomModel): Promise<FilteredReader> {
    const fresh = async (): Promise<Database> => {
      const database = await engine.open();
      database.setForeignKeys(false);
      return database;
    };
    const database = await fresh();
    for (const sql of roomDdl(model, { serverOnly: false })) database.exec(sql);
    return new FilteredReader(model, database, fresh);
  }

  private constructor(model: RoomModel, database: Database, fresh: () => Promise<Database>) {
    this.#model = model;
    this.#database = database;
    this.#fresh = fresh;
  }

  /** Where it could go on; null: it holds nothing. */
  get resume(): { historyId: string; version: number; hash: string; view: string } | null {
    return this.isLoading ? null : { historyId: this.historyId, version: this.version, hash: this.hash, view: this.view };
  }

  take(messages: readonly ServerMessage[]): void {
    for (const message of messages) this.#take(message);
  }

  /** The image is loaded: `database` holds the room at `version`. */
  loaded(database: Database, version: number, hash: string): void {
    this.#database.close();
    database.setForeignKeys(false);
    this.#database = database;
    this.version = version;
    this.hash = hash;
    this.isLoading = false;
    this.wantsImage = false;
    this.snapshots += 1;
  }

  contents(): Contents {
    return contentsOf(this.#database, this.#model);
  }

  close(): void {
    this.#database.close();
  }

  get fresh(): () => Promise<Database> {
    return this.#fresh;
  }

  #take(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.historyId = message.historyId;
        return this.#begun(message.view, message.hydration !== 'resume', message.image !== null);
      case 'rehydrate':
        return this.#begun(message.view, true, message.image !== null);
      case 'snapshotBegin':
        return this.#begin(message);
      case 'snapshotRows':
        assert(message.index === this.#chunks, `chunk ${message.index} came for ${this.#chunks}`);
        this.#chunks += 1;
        this.#rows += message.rows.cells[0]?.length ?? 0;
        return insertRows(this.#database, this.#model, rowsFromWire(this.#model, message.rows));
      case 'snapshotEnd':
        assert(
          message.chunks === this.#chunks && message.rows === this.#rows,
          `the snapshot ends with ${message.rows} of ${this.#rows} rows`,
        );
        assert(message.rows === this.#expectedRows, `the snapshot has ${message.rows} rows, and ${this.#expectedRows} were announced`);
        this.isLoading = false;
        this.snapshots += 1;
        return;
      case 'commit':
        return this.#apply(message);
      case 'error':
        this.errors.push(message);
        return;
      default: // what is told of mutations, people and values is others' business
    }
  }

  #begun(view: string, isLoading: boolean, hasImage: boolean): void {
    this.view = view;
    this.isLoading = isLoading;
    this.wantsImage = hasImage;
  }

  #begin({ version, hash, tables }: ServerMessageOf<'snapshotBegin'>): void {
    for (const { table } of tables) this.#database.exec(`DELETE FROM ${quoteIdentifier(table)}`);
    this.#chunks = 0;
    this.#rows = 0;
    this.#expectedRows = tables.reduce((sum, { rows }) => sum + rows, 0);
    this.version = version;
    this.hash = hash;
  }

  #apply({ from, to, changes, hash }: CommitMessage): void {
    assert(!this.isLoading, `a commit to ${to} came while a snapshot was loaded`);
    assert(from === this.version, `a commit from ${from} came at version ${this.version}`);
    const before = this.#rowsByKey();
    applyWireChanges(this.#database, this.#model, changes);
    this.#refuseNeedless(before, changes);
    this.version = to;
    this.hash = hash;
    this.commits += 1;
  }

  /** A key that was not there and is deleted, or a row that is put as it stands, tells of something this reader may not see. */
  #refuseNeedless(before: ReadonlyMap<string, string>, changes: CommitMessage['changes']): void {
    const after = this.#rowsByKey();
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key)).length;
    const named = changes.reduce((sum, { puts, deletes }) => sum + (puts[0]?.length ?? 0) + (deletes[0]?.length ?? 0), 0);
    assert(named === changed, `a commit names ${named} rows and changes ${changed}: ${JSON.stringify(changes)}`);
  }

  #rowsByKey(): Map<string, string> {
    const byKey = new Map<string, string>();
    for (const { name, columns, key } of replicatedShapes(this.#model)) {
      const rows = this.#database.prepare(`SELECT ${columns.map(quoteIdentifier).join(', ')} FROM ${quoteIdentifier(name)}`).all();
      for (const row of rows) byKey.set(`${name} ${cellsText(keyOf(row, key))}`, cellsText(row));
    }
    return byKey;
  }
}
