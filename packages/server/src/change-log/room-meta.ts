import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Database, SqlValue } from '@alcove/core/sqlite/database';

/** The layout of the room's own tables. A file of a later format is not touched. */
export const FILE_FORMAT = 1;

/** What a room's file says of itself beside the log. */
export interface RoomMeta {
  readonly format: number;
  /** Name of the room definition. */
  readonly roomName: string;
  readonly historyId: string;
  /** Key of the hash chain of this history; never leaves the file. */
  readonly secret: Uint8Array;
  /** The log holds versions above it. */
  readonly floor: number;
  readonly floorHash: string;
  /** Unknown clients first welcomed at or below it were forgotten; -1: nobody was. */
  readonly forgottenVersion: number;
  /** Starts of the room so far: part of every value's seq, so that no seq is given twice. */
  readonly boots: number;
}

/** Reads and writes `alcove_meta`. Writes belong inside a transaction; the caller reads again after one that failed. */
export class MetaTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws AlcoveError `file_foreign` where the file is of another format or has no such rows. */
  read(): RoomMeta {
    const rows = this.#database.prepare('SELECT name, value FROM alcove_meta').all();
    const values = new Map(rows.map(([name, value]) => [String(name), value ?? null]));
    const format = countOf(values, 'format');
    if (format !== FILE_FORMAT)
      throw new AlcoveError('file_foreign', `the room's file has format ${format}; this version reads format ${FILE_FORMAT}`);
    const secret = values.get('secret');
    if (!(secret instanceof Uint8Array)) throw missing('secret');
    return {
      format,
      roomName: textOf(values, 'roomName'),
      historyId: textOf(values, 'historyId'),
      secret,
      floor: countOf(values, 'floor'),
      floorHash: textOf(values, 'floorHash'),
      forgottenVersion: countOf(values, 'forgottenVersion'),
      boots: countOf(values, 'boots'),
    };
  }

  write(changes: Partial<RoomMeta>): void {
    const upsert = this.#database.prepare(
      'INSERT INTO alcove_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    for (const [name, value] of Object.entries(changes)) upsert.run([name, value as SqlValue]); // every field of RoomMeta is one
  }
}

/** Identity of a history that begins at `version`: its own id, its own secret, a first hash that depends on both. */
export function newHistory(runtime: Runtime, version: number): Pick<RoomMeta, 'historyId' | 'secret' | 'floor' | 'floorHash'> {
  const historyId = runtime.newId();
  const secret = runtime.utf8.encode(runtime.newId() + runtime.newId());
  return { historyId, secret, floor: version, floorHash: chainHash(runtime, secret, historyId, String(version)) };
}

/**
 * One link of the chain: HMAC-SHA-256 over the hash before it and the record's text, cut to 128 bits (RFC 2104 allows half), as 32 hex digits. Clients
 * store and return it and cannot compute it, so it tells nothing of rows that a reader may not see.
 */
export function chainHash(runtime: Runtime, secret: Uint8Array, previous: string, text: string): string {
  const mac = runtime.hmacSha256(secret, runtime.utf8.encode(`${previous}\n${text}`));
  let hex = '';
  for (const byte of mac.subarray(0, 16)) hex += byte.toString(16).padStart(2, '0');
  return hex;
}

const missing = (name: string): AlcoveError => new AlcoveError('file_foreign', `the room's file has no valid \`${name}\` in alcove_meta`);

function textOf(values: ReadonlyMap<string, SqlValue>, name: string): string {
  const value = values.get(name);
  if (typeof value !== 'string') throw missing(name);
  return value;
}

function countOf(values: ReadonlyMap<string, SqlValue>, name: string): number {
  const value = values.get(name);
  if (typeof value !== 'number') throw missing(name);
  return value;
}
