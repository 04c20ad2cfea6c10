import { insertRows } from '@alcove/core/change/apply';
import { narrowRows } from '@alcove/core/change/narrow';
import { installCapture } from '@alcove/core/change/install-capture';
import { replicatedShapes } from '@alcove/core/change/table-shape';
import { rowsFromWire } from '@alcove/core/change/wire';
import type { WireRows } from '@alcove/core/change/wire-rows';
import { AlcoveError } from '@alcove/core/error';
import type { ServerMessageOf } from '@alcove/core/protocol/server-message';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';

/**
 * A snapshot that arrives as rows, made into a database beside the one that is shown. Messages are checked and queued as they come; `step` does one piece of
 * the work (one chunk, one index), so that the caller can yield in between.
 *
 * ```
 * new → take(rows) … end(message), and meanwhile step() until it says done → database
 * ```
 * Anything out of order, missing or twice is `snapshot_failed`: the whole is thrown away and asked for again.
 */
export class RowsHydration {
  readonly database: Database;
  readonly begin: ServerMessageOf<'snapshotBegin'>;
  readonly rowsTotal: number;
  readonly #model: RoomModel;
  readonly #isOlder: boolean;
  /** Rows still to come, by table. */
  readonly #left: Map<string, number>;
  readonly #chunks: WireRows[] = [];
  readonly #afterRows: (() => void)[] = [];
  #nextIndex = 0;
  #ended = false;
  #rows = 0;

  /**
   * `roomSchema`: what welcome said. Another one than this side's is newer and can be followed: what this side does not know is left out.
   * @throws AlcoveError `snapshot_failed` where it is of another schema or other tables.
   */
  constructor(begin: ServerMessageOf<'snapshotBegin'>, model: RoomModel, openDatabase: () => Database, roomSchema = model.schemaId) {
    this.#isOlder = roomSchema !== model.schemaId;
    if (begin.schema !== roomSchema) throw failed(`it is of schema ${begin.schema}, this side has ${model.schemaId}`);
    const names = replicatedShapes(model).map(({ name }) => name);
    const announced = new Map(begin.tables.map(({ table, rows }) => [table, rows]));
    if (
      announced.size !== begin.tables.length ||
      (names.length !== announced.size && !this.#isOlder) ||
      names.some((name) => !announced.has(name))
    ) {
      throw failed(`it announces the tables ${begin.tables.map(({ table }) => table).join(', ')}`);
    }
    this.begin = begin;
    this.#model = model;
    this.#left = announced;
    this.rowsTotal = begin.tables.reduce((sum, { rows }) => sum + rows, 0);
    this.database = openDatabase();
    this.database.setForeignKeys(false);
    const ddl = roomDdl(model, { serverOnly: false });
    for (const sql of ddl.filter((statement) => statement.startsWith('CREATE TABLE'))) this.database.exec(sql);
    // Indexes are cheaper made once the rows are there; triggers would see every row.
    for (const sql of ddl.filter((statement) => !statement.startsWith('CREATE TABLE'))) this.#afterRows.push(() => this.database.exec(sql));
    this.#afterRows.push(() => installCapture(this.database, model));
    this.#afterRows.push(() => this.database.setForeignKeys(true));
  }

  /** Rows inserted so far. */
  get rows(): number {
    return this.#rows;
  }

  /** @throws AlcoveError `snapshot_failed`, `bad_message`. */
  take(message: ServerMessageOf<'snapshotRows'>): void {
    if (this.#ended || message.index !== this.#nextIndex) throw failed(`chunk ${message.index} came where ${this.#nextIndex} was due`);
    this.#nextIndex += 1;
    this.#chunks.push(message.rows);
  }

  /** @throws AlcoveError `snapshot_failed` where chunks or rows are not as many as announced. */
  end(message: ServerMessageOf<'snapshotEnd'>): void {
    if (this.#ended || message.chunks !== this.#nextIndex) throw failed(`it ended after ${this.#nextIndex} chunks of ${message.chunks}`);
    if (message.rows !== this.rowsTotal) throw failed(`it ended with ${message.rows} rows, ${this.rowsTotal} were announced`);
    this.#ended = true;
  }

  /** Whether `step` has something to do now. */
  get hasWork(): boolean {
    return this.#chunks.length > 0 || (this.#ended && this.#afterRows.length > 0);
  }

  /** Everything has come. */
  get isComplete(): boolean {
    return this.#ended;
  }

  /** Everything is in the database. */
  get isDone(): boolean {
    return this.#ended && this.#chunks.length === 0 && this.#afterRows.length === 0;
  }

  /** @throws AlcoveError `snapshot_failed`, `bad_message`, `constraint_failed`. */
  step(): void {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return this.#insert(chunk);
    if (!this.#ended) return;
    const missing = [...this.#left].find(([, count]) => count !== 0);
    if (missing !== undefined) throw failed(`table ${missing[0]} lacks ${missing[1]} rows`);
    this.#afterRows.shift()?.();
  }

  #insert(chunk: WireRows): void {
    const count = chunk.cells[0]?.length ?? 0;
    const left = (this.#left.get(chunk.table) ?? 0) - count;
    if (left < 0) throw failed(`table ${chunk.table} has ${-left} rows more than announced`);
    this.#left.set(chunk.table, left);
    const known = this.#isOlder ? narrowRows(this.#model, chunk) : chunk;
    if (known !== null) insertRows(this.database, this.#model, rowsFromWire(this.#model, known));
    this.#rows += count;
  }

  /** Throws away what arrived. */
  abandon(): void {
    this.#chunks.length = 0;
    this.database.close();
  }
}

const failed = (what: string): AlcoveError => new AlcoveError('snapshot_failed', `the snapshot is not whole: ${what}`);
