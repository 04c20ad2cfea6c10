import { AlcoveError } from '@alcove/core/error';
import type { RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';

/** A definition whose rooms are mirrored. */
export interface MirroredRoom {
  readonly name: string;
  readonly model: RoomModel;
}

/** PostgreSQL cuts longer names off without a word, so that two could become one. */
export const PG_NAME_BYTES_MAX = 63;
/** The column that says whose row it is, first in every table. */
export const ROOM_COLUMN = 'room_id';

/** Columns that every table of PostgreSQL has by itself. */
const SYSTEM_COLUMNS = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);
/** It also begins the name of a setting, which takes nothing else. */
const PREFIX = /^[a-z][a-z0-9_]{0,29}$/;

/** PostgreSQL keeps names that begin with `pg_`, and settings of its languages, for itself. */
const TAKEN = new Set(['pg', 'plpgsql']);

/** Names of what a mirror has in PostgreSQL; all quoted as they stand in SQL but for those that say bare. */
export class MirrorNames {
  /** Bare. */
  readonly prefix: string;
  /** Bare names of the roles: who reads one room at a time, and who may read all that are complete. */
  readonly readerRole: string;
  readonly analystRole: string;
  /** The setting that says which room a session reads; bare. */
  readonly setting: string;
  /** The schema of what is about all rooms. */
  readonly control: string;
  readonly watermarks: string;
  readonly secret: string;
  readonly sessionAddress: string;
  readonly sessionRoom: string;

  /** @param prefix As `checkPrefix` takes it. */
  constructor(prefix: string) {
    this.prefix = prefix;
    this.readerRole = `${prefix}_reader`;
    this.analystRole = `${prefix}_analyst`;
    this.setting = `${prefix}.room`;
    this.control = quoteIdentifier(prefix);
    this.watermarks = `${this.control}.watermarks`;
    this.secret = `${this.control}.secret`;
    this.sessionAddress = `${this.control}.session_address`;
    this.sessionRoom = `${this.control}.session_room`;
  }

  /** The schema of a definition's tables; bare. */
  schemaOf(definition: string): string {
    return `${this.prefix}_${definition}`;
  }

  tableOf(definition: string, table: string): string {
    return `${quoteIdentifier(this.schemaOf(definition))}.${quoteIdentifier(table)}`;
  }
}

/** @throws AlcoveError `option_invalid` */
export function checkPrefix(from: string, prefix: unknown): string {
  if (typeof prefix === 'string' && PREFIX.test(prefix) && !prefix.startsWith('pg_') && !TAKEN.has(prefix)) return prefix;
  throw invalid(
    `${from} must be 1 to 30 of a-z 0-9 _, begin with a letter and not with pg_, be neither pg nor plpgsql, and is ${JSON.stringify(prefix)}`,
  );
}

/**
 * Looks whether PostgreSQL can hold the tables of these definitions under their names.
 * @throws AlcoveError `option_invalid`: names the definition, table and column, and says why.
 */
export function checkNames(names: MirrorNames, rooms: readonly MirroredRoom[]): void {
  for (const { name, model } of rooms) {
    refuseLong(names.schemaOf(name), `the schema of room ${name}`);
    for (const table of mirroredTables(model)) checkTable(name, table);
  }
}

/** What is mirrored of a room: what tabs may know of it. */
export const mirroredTables = (model: RoomModel): readonly TableModel[] => model.tables.filter(({ serverOnly }) => !serverOnly);

function checkTable(room: string, table: TableModel): void {
  refuseLong(table.name, `table ${table.name} of room ${room}`);
  for (const { name } of table.columns) {
    const what = `column ${name} of table ${table.name} of room ${room}`;
    refuseLong(name, what);
    if (name === ROOM_COLUMN) throw invalid(`${what} has the name of the column that says which room a row is of`, RENAME);
    if (SYSTEM_COLUMNS.has(name)) throw invalid(`${what} has the name of a column that PostgreSQL keeps for itself`, RENAME);
  }
}

const RENAME = 'Rename the column, or leave the room out: `mirror: { rooms: [...] }`.';

function refuseLong(name: string, what: string): void {
  const bytes = utf8Bytes(name);
  if (bytes <= PG_NAME_BYTES_MAX) return;
  throw invalid(`${what} would need the name ${name}, of ${bytes} bytes; PostgreSQL takes ${PG_NAME_BYTES_MAX}`, RENAME);
}

function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

const invalid = (message: string, hint?: string): AlcoveError =>
  new AlcoveError('option_invalid', `mirror: ${message}`, hint === undefined ? {} : { hint });

/** Text as it stands in SQL of PostgreSQL's. Never of a message. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
