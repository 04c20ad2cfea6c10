import { decodeRecord } from '@alcove/core/change/record-codec';
import { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomModel, TableModel } from '@alcove/core/schema/room-model';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { isSightOf } from '../../../packages/server/src/read/read-sight.ts';
import type { ReadAnswer, ReadRequest } from '../../../packages/server/src/read/replica.ts';
import { DigestSum, digestTables, type RoomDigest } from '../../../packages/server/src/read/room-digest.ts';
import { RoomUnavailable } from '../../../packages/server/src/read/room-unavailable.ts';
import { headOfFile, readIn } from './read-in.ts';

/** Rows of one table: what stands there from now on, and under which keys nothing else does. */
interface TableBatch {
  readonly table: TableModel;
  readonly keys: readonly Row[];
  readonly rows: readonly Row[];
}

/** What a mirror writes in one transaction. */
export interface MirrorBatch {
  /** Where the mirror has to stand; null: nowhere yet, or wherever it stands, it begins anew. */
  readonly from: BookmarkParts | null;
  readonly to: BookmarkParts;
  readonly schema: string;
  readonly tables: readonly TableBatch[];
}

/** Where a mirror stands: its watermark. */
export interface Watermark extends BookmarkParts {
  readonly schema: string;
}

/** Looks at a room's file, in one snapshot, for what a mirror at `watermark` lacks. Null: it lacks nothing. */
export function batchFor(database: Database, model: RoomModel, watermark: Watermark | null): MirrorBatch | null {
  const to = headOfFile(database);
  if (to === null) return null;
  const floor = Number(database.prepare("SELECT value FROM alcove_meta WHERE name = 'floor'").get()?.[0] ?? 0);
  const tables = model.tables.filter(({ serverOnly }) => !serverOnly);
  const schema = model.schemaId;
  const goesOn =
    watermark !== null &&
    watermark.historyId === to.historyId &&
    watermark.schema === schema &&
    watermark.version >= floor &&
    watermark.version <= to.version;
  if (!goesOn) return { from: null, to, schema, tables: tables.map((table) => ({ table, keys: [], rows: allRows(database, table) })) };
  if (watermark.version === to.version) return null;
  const touched = touchedKeys(database, watermark.version);
  const changed = tables.flatMap((table) => {
    const keys = [...(touched.get(table.name)?.values() ?? [])];
    return keys.length === 0 ? [] : [{ table, keys, rows: keys.flatMap((key) => rowOf(database, table, key)) }];
  });
  return { from: { historyId: watermark.historyId, version: watermark.version }, to, schema, tables: changed };
}

/** Keys of the rows that versions above it changed, by table. */
function touchedKeys(database: Database, version: number): Map<string, Map<string, Row>> {
  const touched = new Map<string, Map<string, Row>>();
  for (const [record] of database.prepare('SELECT record FROM alcove_log WHERE version > ? ORDER BY version').all([version]))
    for (const { table, key, rows } of decodeRecord(String(record)).tables) {
      const keys = touched.get(table) ?? new Map<string, Row>();
      touched.set(table, keys);
      for (const row of rows.flatMap(({ before, after }) => [before, after])) {
        if (row === null) continue;
        const cells = key.map((position) => row[position] ?? null);
        keys.set(JSON.stringify(cells), cells);
      }
    }
  return touched;
}

const columnsOf = ({ columns }: TableModel): string => columns.map(({ name }) => quoteIdentifier(name)).join(', ');
const whereKey = ({ key }: TableModel): string => key.map((name) => `${quoteIdentifier(name)} = ?`).join(' AND ');

const allRows = (database: Database, table: TableModel): Row[] =>
  database.prepare(`SELECT ${columnsOf(table)} FROM ${quoteIdentifier(table.name)}`).all();

const rowOf = (database: Database, table: TableModel, key: Row): Row[] =>
  database.prepare(`SELECT ${columnsOf(table)} FROM ${quoteIdentifier(table.name)} WHERE ${whereKey(table)}`).all(key);

/** The steps in which a batch is written, each a statement or some; one transaction holds them all, unless a deliberate bug cuts it in two. */
export interface MirrorSteps {
  /** @throws AlcoveError `read_behind` where the mirror does not stand where the batch goes on from: somebody else has written. */
  readonly check: () => void;
  readonly rows: () => void;
  readonly watermark: () => void;
}

/** The database that rooms are mirrored into: rows as plain as can be, and a watermark that is written with them. A stub of PostgreSQL, on SQLite. */
export class MirrorDatabase {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.exec('CREATE TABLE watermarks (one integer PRIMARY KEY, history text, version integer, schema text)');
  }

  get watermark(): Watermark | null {
    const row = this.#database.prepare('SELECT history, version, schema FROM watermarks').get();
    return row === undefined ? null : { historyId: String(row[0]), version: Number(row[1]), schema: String(row[2]) };
  }

  /** @param inOrder Runs the steps in their transactions. */
  write(batch: MirrorBatch, inOrder: (steps: MirrorSteps, transaction: (run: () => void) => void) => void): void {
    const steps: MirrorSteps = {
      check: () => this.#refuseOther(batch),
      rows: () => {
        for (const table of batch.tables) this.#writeTable(table, batch.from === null);
      },
      watermark: () => {
        const { historyId, version } = batch.to;
        this.#database.prepare('INSERT OR REPLACE INTO watermarks VALUES (1, ?, ?, ?)').run([historyId, version, batch.schema]);
      },
    };
    inOrder(steps, (run) => this.#database.transaction(run));
  }

  /** Watermark and rows of one snapshot. @throws AlcoveError as Replica.read does */
  read(request: ReadRequest): ReadAnswer {
    if (this.watermark === null) throw new RoomUnavailable('the room is not mirrored yet');
    if (!isSightOf(request.sight, this.watermark.schema)) throw new RoomUnavailable('the room is mirrored as another release had it');
    return readIn(this.#database, request, () => this.watermark);
  }

  /** Everything is to be written anew. */
  forget(): void {
    this.#database.exec('DELETE FROM watermarks');
  }

  /** @throws AlcoveError RoomUnavailable where it has not the tables of that schema. */
  digest(model: RoomModel, runtime: Pick<Runtime, 'hmacSha256' | 'utf8'>): RoomDigest {
    const { watermark } = this;
    if (watermark === null || watermark.schema !== model.schemaId) throw new RoomUnavailable('the room is not mirrored yet');
    const { historyId, version } = watermark;
    const tables = digestTables(model).map(({ name, columns }) => {
      const sum = new DigestSum(runtime);
      const rows = this.#database.prepare(`SELECT ${columns.map(quoteIdentifier).join(', ')} FROM ${quoteIdentifier(name)}`);
      for (const row of rows.iterate()) sum.add(row);
      return { table: name, rows: sum.rows, checksum: sum.checksum };
    });
    return { at: { historyId, version }, tables };
  }

  /** All rows of a table, in order of its key. */
  rows(table: TableModel): Row[] {
    const key = table.key.map(quoteIdentifier).join(', ');
    return this.#database.prepare(`SELECT ${columnsOf(table)} FROM ${quoteIdentifier(table.name)} ORDER BY ${key}`).all();
  }

  close(): void {
    this.#database.close();
  }

  #refuseOther({ from, to }: MirrorBatch): void {
    const { watermark } = this;
    const stands = from === null ? watermark?.historyId !== to.historyId || watermark.version <= to.version : isAt(watermark, from);
    if (!stands) throw new AlcoveError('read_behind', 'somebody else has written to the mirror meanwhile');
  }

  #writeTable({ table, keys, rows }: TableBatch, anew: boolean): void {
    const name = quoteIdentifier(table.name);
    if (anew) {
      const columns = table.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`).join(', ');
      const key = table.key.map(quoteIdentifier).join(', ');
      this.#database.exec(`DROP TABLE IF EXISTS ${name}`);
      this.#database.exec(`CREATE TABLE ${name} (${columns}, PRIMARY KEY (${key}))`);
    }
    for (const one of keys) this.#database.prepare(`DELETE FROM ${name} WHERE ${whereKey(table)}`).run(one);
    const places = table.columns.map(() => '?').join(', ');
    for (const row of rows) this.#database.prepare(`INSERT INTO ${name} (${columnsOf(table)}) VALUES (${places})`).run(row);
  }
}

const isAt = (watermark: Watermark | null, { historyId, version }: BookmarkParts): boolean =>
  watermark !== null && watermark.historyId === historyId && watermark.version === version;
