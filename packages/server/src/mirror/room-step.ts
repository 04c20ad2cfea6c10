import { decodeRecord } from '@alcove/core/change/record-codec';
import { keyText } from '@alcove/core/change/row-key';
import { cellFromWire, cellToWire } from '@alcove/core/change/wire-cell';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { mirroredTables } from './mirror-names.ts';
import { RoomTable } from './room-tables.ts';
import type { CopyPosition, Watermark } from './watermark.ts';

/** Rows and keys of one table, on their way. */
export interface TableRows {
  readonly table: RoomTable;
  /** Whole rows as they are now, at most one a key. */
  readonly puts: readonly Row[];
  /** Keys that have no row any more. */
  readonly gone: readonly Row[];
}

/** What a step takes at a time. */
export interface StepBounds {
  /** Changes of the log; past it, or past the bytes, the room is `syncing` until it is level again. A version is taken whole. */
  readonly changesMax: number;
  readonly bytesMax: number;
  /** Rows of a first copy. */
  readonly pageRows: number;
  readonly pageBytes: number;
}

/** A record of the log longer than it is not read: the room is copied anew, row by row. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/**
 * What is to be done next in a room, by its watermark and one snapshot of its file.
 *
 * - `level`: nothing. `outdated`: the file has another schema than the definition, so the room must be opened first.
 * - `restart`: what is there does not lead to what the room is (another history, or another log under its name, a pruned log, another schema): it is copied anew, from `next` on.
 * - `apply`: `tables`, then `next`, in one transaction.
 */
export type RoomStep =
  | { readonly kind: 'level'; readonly head: number }
  | { readonly kind: 'outdated'; readonly head: number }
  | { readonly kind: 'restart'; readonly head: number; readonly next: Watermark }
  | { readonly kind: 'apply'; readonly head: number; readonly tables: readonly TableRows[]; readonly next: Watermark };

interface RoomHead {
  readonly historyId: string;
  readonly version: number;
  readonly hash: string;
  readonly floor: number;
  readonly floorHash: string;
  readonly schemaId: string;
}

/** Reads the next steps of rooms of one definition. */
export class RoomSteps {
  readonly tables: readonly RoomTable[];
  readonly #model: RoomModel;
  readonly #bounds: StepBounds;

  constructor(model: RoomModel, bounds: StepBounds) {
    this.#model = model;
    this.#bounds = bounds;
    this.tables = mirroredTables(model).map((table) => new RoomTable(table));
  }

  /**
   * Why rows are read as they are now and the log gives their keys alone: what is read later is newer, never older, and the log from the watermark on leads to it whatever was there before. So
   * a copy may take its pages one after the other, each in a snapshot of its own, while the room goes on; when it is through, and everything up to the head of the same snapshot is applied, the rows are
   * exactly those of that version.
   * @throws AlcoveError what is wrong with the file or a row of it
   */
  next(database: Database, watermark: Watermark | null): RoomStep {
    return database.transaction(() => this.#next(database, watermark));
  }

  #next(database: Database, watermark: Watermark | null): RoomStep {
    const head = headOf(database);
    if (head.schemaId !== this.#model.schemaId) return { kind: 'outdated', head: head.version };
    if (watermark === null) return this.#apply(database, head, this.#begun(head));
    if (watermark.state === 'syncing' && watermark.position?.phase === 'clear')
      return { kind: 'restart', head: head.version, next: watermark };
    const { version, hash } = readOf(watermark);
    if (!leadsTo(watermark, head) || (hash !== null && hash !== hashAt(database, head, version)))
      return { kind: 'restart', head: head.version, next: this.#cleared(head) };
    if (watermark.state === 'live' && watermark.version === head.version) return { kind: 'level', head: head.version };
    return this.#apply(database, head, watermark);
  }

  /** Nothing is left of what was there before: the copy begins. */
  begin(database: Database): RoomStep {
    return this.#ofHead(database, (head) => this.#apply(database, head, this.#begun(head)));
  }

  /** Whatever is there is to be copied anew. */
  restart(database: Database): RoomStep {
    return this.#ofHead(database, (head) => ({ kind: 'restart', head: head.version, next: this.#cleared(head) }));
  }

  #ofHead(database: Database, step: (head: RoomHead) => RoomStep): RoomStep {
    return database.transaction(() => {
      const head = headOf(database);
      return head.schemaId === this.#model.schemaId ? step(head) : { kind: 'outdated', head: head.version };
    });
  }

  #apply(database: Database, head: RoomHead, from: Watermark): RoomStep {
    const touched = this.#touched(database, from.version);
    if (touched === null) return { kind: 'restart', head: head.version, next: this.#cleared(head) };
    const batches = new Map(
      this.tables.map((table) => [table.model.name, this.#current(database, table, touched.keys.get(table.model.name))]),
    );
    const position = from.position === null ? null : this.#page(database, from.position, batches);
    const isLevel = touched.version === head.version && position === null;
    const next: Watermark = {
      historyId: head.historyId,
      version: touched.version,
      hash: isLevel ? head.hash : `at ${head.version} ${head.hash}`,
      state: isLevel ? 'live' : 'syncing',
      schemaId: head.schemaId,
      position,
      deletedMs: null,
    };
    const tables = [...batches.values()].map(({ table, puts, gone }) => ({ table, puts: [...puts.values()], gone: [...gone.values()] }));
    return { kind: 'apply', head: head.version, tables: tables.filter(({ puts, gone }) => puts.length + gone.length > 0), next };
  }

  /** The keys that the log touched since, whole versions, up to the bounds; null where the log cannot be read on from there. */
  #touched(
    database: Database,
    since: number,
  ): { readonly version: number; readonly keys: ReadonlyMap<string, ReadonlyMap<string, Row>> } | null {
    const { changesMax, bytesMax } = this.#bounds;
    const keys = new Map<string, Map<string, Row>>();
    const last = this.#lastVersion(database, since);
    if (last === null) return null;
    let version = since;
    let changes = 0;
    let bytes = 0;
    const log = database.prepare('SELECT version, bytes, record FROM alcove_log WHERE version > ? AND version <= ? ORDER BY version');
    for (const [at, size, record] of log.iterate([since, last])) {
      if (Number(at) !== version + 1) return null;
      for (const { table, key, rows } of decodeRecord(String(record)).tables) {
        const touched = keys.get(table) ?? new Map<string, Row>();
        keys.set(table, touched);
        for (const { before, after } of rows)
          for (const row of [before, after])
            if (row !== null)
              touched.set(
                keyText(row, key),
                key.map((place) => row[place] ?? null),
              );
        changes += rows.length;
      }
      version += 1;
      bytes += Number(size);
      if (changes >= changesMax || bytes >= bytesMax) break;
    }
    return { version, keys };
  }

  /** Before a record that is too long to read; null where that is the first. */
  #lastVersion(database: Database, since: number): number | null {
    const [long] =
      database.prepare('SELECT min(version) FROM alcove_log WHERE version > ? AND bytes > ?').get([since, RECORD_BYTES_MAX]) ?? [];
    if (long === null || long === undefined) return Number.MAX_SAFE_INTEGER;
    return Number(long) - 1 === since ? null : Number(long) - 1;
  }

  #current(database: Database, table: RoomTable, keys: ReadonlyMap<string, Row> | undefined): TableBatch {
    const puts = new Map<string, Row>();
    const gone = new Map<string, Row>();
    for (const [text, key] of keys ?? []) {
      const row = table.byKey(database, key)?.cells;
      // One key under a collation may be two to the byte: the row is put under the one that it has, the other is gone.
      if (row !== undefined) puts.set(keyText(row, table.key), row);
      gone.set(text, key);
    }
    for (const text of puts.keys()) gone.delete(text);
    return { table, puts, gone };
  }

  /** Puts the next rows of the copy beside what the log touched; says where it has got to, null when it is through. */
  #page(database: Database, position: CopyPosition, batches: ReadonlyMap<string, TableBatch>): CopyPosition | null {
    if (position.phase === 'clear') return position;
    let rowsLeft = this.#bounds.pageRows;
    let bytesLeft = this.#bounds.pageBytes;
    let { rows } = position;
    const from = this.tables.findIndex(({ model }) => model.name === position.table);
    for (const [index, table] of this.tables.entries()) {
      if (index < from) continue;
      const after = index === from ? (position.after?.map(cellFromWire) ?? null) : null;
      if (rowsLeft <= 0 || bytesLeft <= 0) return { phase: 'copy', table: table.model.name, after: null, rows };
      const page = table.page(database, after, rowsLeft, bytesLeft);
      const batch = batches.get(table.model.name);
      for (const { cells, bytes } of page) {
        const text = keyText(cells, table.key);
        batch?.puts.set(text, cells);
        batch?.gone.delete(text);
        bytesLeft -= bytes;
      }
      rows += page.length;
      rowsLeft -= page.length;
      const last = page.at(-1);
      if (last !== undefined && (rowsLeft <= 0 || bytesLeft <= 0))
        return { phase: 'copy', table: table.model.name, after: table.keyOf(last.cells).map(cellToWire), rows };
    }
    return null;
  }

  #begun(head: RoomHead): Watermark {
    const table = this.tables[0]?.model.name ?? '';
    return { ...this.#cleared(head), position: { phase: 'copy', table, after: null, rows: 0 } };
  }

  #cleared({ historyId, version, hash, schemaId }: RoomHead): Watermark {
    return { historyId, version, hash, state: 'syncing', schemaId, position: { phase: 'clear' }, deletedMs: null };
  }
}

interface TableBatch {
  readonly table: RoomTable;
  readonly puts: Map<string, Row>;
  readonly gone: Map<string, Row>;
}

/** Whether the log may go on from the watermark, as far as that is known without its hash. */
const leadsTo = (watermark: Watermark, head: RoomHead): boolean =>
  watermark.state !== 'deleted' &&
  watermark.position?.phase !== 'clear' &&
  watermark.historyId === head.historyId &&
  watermark.schemaId === head.schemaId &&
  watermark.version >= head.floor &&
  watermark.version <= head.version;

/** The newest version of which rows were read, and the log's hash there; a hash of null is not known. */
function readOf({ version, hash }: Watermark): { readonly version: number; readonly hash: string | null } {
  const [, at, ofHead] = /^at (\d+) (.*)$/.exec(hash ?? '') ?? [];
  return at === undefined || ofHead === undefined ? { version, hash } : { version: Number(at), hash: ofHead };
}

const HEAD_SQL = `SELECT
  (SELECT value FROM alcove_meta WHERE name = 'historyId'), (SELECT value FROM alcove_meta WHERE name = 'floor'),
  (SELECT value FROM alcove_meta WHERE name = 'floorHash'), (SELECT max(version) FROM alcove_log),
  (SELECT hash FROM alcove_log ORDER BY version DESC LIMIT 1), (SELECT schema FROM alcove_schemas ORDER BY position DESC LIMIT 1)`;

function headOf(database: Database): RoomHead {
  const [historyId, floor, floorHash, version, hash, schemaId] = database.prepare(HEAD_SQL).get() ?? [];
  return {
    historyId: String(historyId),
    version: Number(version ?? floor),
    hash: String(hash ?? floorHash),
    floor: Number(floor),
    floorHash: String(floorHash),
    schemaId: String(schemaId),
  };
}

/** Null: the log does not have that version, or not any more. */
function hashAt(database: Database, { floor, floorHash }: RoomHead, version: number): string | null {
  if (version === floor) return floorHash;
  const [hash] = database.prepare('SELECT hash FROM alcove_log WHERE version = ?').get([version]) ?? [];
  return typeof hash === 'string' ? hash : null;
}
