import { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Row } from '@alcove/core/sqlite/database';
import { isStorableText } from '@alcove/core/sqlite/identifier';
import type { PoolClient } from 'pg';
import { MirrorNames } from '../../mirror/mirror-names.ts';
import { AnswerCells } from '../../read/answer-cells.ts';
import { EndSource } from '../../read/end-source.ts';
import { postgresRead } from '../../read/postgres-text.ts';
import type { EndSignal, ReadAnswer, ReadRequest, Replica, ReplicaLag } from '../../read/replica.ts';
import { DIGEST_TIMEOUT_MS, type RoomDigest } from '../../read/room-digest.ts';
import { RoomUnavailable } from '../../read/room-unavailable.ts';
import { digestOfMirror } from './digest-of-mirror.ts';
import type { MirrorAccess } from './mirror-access.ts';
import { cellFromPg, SESSION_SETTINGS } from './cell-from-pg.ts';
import { PgConnections } from './pg-connections.ts';
import { readFailure, unavailable, wordsOf } from './read-failure.ts';
import { type PgPosition, POSITION_SQL, positionOf } from './pg-position.ts';
import { pgTurn } from './pg-turn.ts';
import { runOn } from './run-on.ts';
import type { PgParameter, PgStatement, SnapshotScript, TextRow } from './snapshot-read.ts';
import { StandbyWatch } from './standby-watch.ts';

export interface PgReplicaOptions {
  readonly id: string;
  /** Of the PostgreSQL; user and password may be left out, the mirror's reader is used then. */
  readonly url: string;
  /** In place of those in the url. */
  readonly user?: { readonly user: string; readonly password: string };
  readonly runtime: Runtime;
  readonly access: MirrorAccess;
  /** Of a definition that is mirrored. */
  readonly modelOf: (name: string) => RoomModel | undefined;
  /** Connections at once. */
  readonly pool: number;
  readonly connectTimeoutMs: number;
  /** Upper bound for every read, below what the read itself may take. */
  readonly statementTimeoutMs: number;
  /** Where the mirror's primary stands; null: it cannot be asked. Absent: this is it. */
  readonly primary?: (signal: EndSignal) => Promise<PgPosition | null>;
  /** How far the mirror itself is behind the rooms: what the primary says of its lag. A standby says how far it is behind the primary, or all of them would be left out at once. */
  readonly mirrorLag?: () => ReplicaLag;
  /** Has the mirror copy a room anew. */
  readonly resync?: (room: ReadRequest['room']) => Promise<void>;
}

/** Of a look: a server that is there answers within milliseconds. */
const CHECK_TIMEOUT_MS = 4_000;
const CHECK_BYTES_MAX = 10_000;
/** One that looks ask for, and one that may take long. */
const DIGESTS_AT_ONCE = 2;

/** The mirror in one PostgreSQL, a standby or the primary, as reads of rooms see it: SQL of PostgreSQL's, each read in a transaction of its own. */
export class PgReplica implements Replica {
  readonly id: string;
  readonly dialect = 'postgres';
  readonly resync?: (room: ReadRequest['room']) => Promise<void>;
  readonly #options: PgReplicaOptions;
  readonly #names: MirrorNames;
  #access: MirrorAccess;
  #connections: PgConnections;
  /** Digests read whole rooms: they take no connection of reads. */
  #digests: PgConnections;
  /** Those of before it signed in anew: what runs on them ends first. */
  #leaving: Promise<unknown> = Promise.resolve();
  /** Null: it is the primary. */
  readonly #watch: StandbyWatch | null;
  readonly #running = new Set<EndSource>();
  #isClosed = false;

  constructor(options: PgReplicaOptions) {
    const { id, access, runtime, primary } = options;
    this.id = id;
    this.#options = options;
    this.#names = new MirrorNames(access.prefix);
    this.#watch = primary === undefined ? null : new StandbyWatch({ id, runtime, primary, position: (signal) => this.position(signal) });
    if (options.resync !== undefined) this.resync = options.resync;
    this.#access = access;
    [this.#connections, this.#digests] = connectionsOf(options, access);
  }

  /** The mirror was made anew, with another secret: reads from now on use it. @returns false where the replica is closed */
  signIn(access: MirrorAccess): boolean {
    if (this.#isClosed) return false;
    this.#leaving = Promise.all([this.#leaving, this.#connections.close(), this.#digests.close()]);
    this.#access = access;
    [this.#connections, this.#digests] = connectionsOf(this.#options, access);
    return true;
  }

  async read(request: ReadRequest, signal: EndSignal): Promise<ReadAnswer> {
    const { room, sql, params, sight, atLeast, bounds } = request;
    const place = { prefix: this.#names.prefix, schema: this.#names.schemaOf(room.name) };
    const main = { text: postgresRead(sql, params.length, sight, place), values: parametersOf(params) };
    const timeoutMs = Math.min(bounds.timeoutMs, this.#options.statementTimeoutMs);
    const answer: { columns: string[]; oids: number[]; cells: AnswerCells; at: BookmarkParts } = {
      columns: [],
      oids: [],
      cells: new AnswerCells(0, bounds, Buffer.byteLength),
      at: { historyId: '', version: 0 },
    };
    const script: SnapshotScript = {
      prelude: this.#prelude(room, timeoutMs),
      main,
      isAhead: atLeast === null,
      decide: (rows) => {
        answer.at = orBehind(atLeast, () => this.#standingOf(room, rows.at(-1) ?? []));
        refuseBehind(answer.at, atLeast);
      },
      columns: (fields) => {
        answer.columns = fields.map(({ name }) => name);
        answer.oids = fields.map(({ dataTypeID }) => dataTypeID);
        answer.cells = new AnswerCells(fields.length, bounds, Buffer.byteLength);
      },
      row: (cells) => answer.cells.add(cells.map((cell, index) => cellFromPg(cell, answer.oids[index] ?? 0))),
    };
    const overflown = (): boolean => answer.cells.cut();
    await this.#run(script, { timeoutMs, bytesMax: bounds.bytesMax, overflown }, signal).catch((error: unknown) => {
      const names = sight.tables.map(({ name }) => name);
      throw readFailure(this.id, error, names);
    });
    return { columns: answer.columns, ...answer.cells.answer(), at: answer.at };
  }

  async check(signal: EndSignal): Promise<ReplicaLag> {
    if (this.#watch !== null) return (await this.#watch.look(signal)).lag;
    if ((await this.position(signal)).isStandby) throw unavailable(this.id, 'it is a standby now, and was named as the primary');
    return this.#options.mirrorLag?.() ?? { versions: 0, ms: 0 };
  }

  /** Where this PostgreSQL stands. @throws AlcoveError (as rejection) `replica_unavailable`, `closed` */
  async position(signal: EndSignal): Promise<PgPosition> {
    const rows: TextRow[] = [];
    const script: SnapshotScript = {
      prelude: [settings([['statement_timeout', String(CHECK_TIMEOUT_MS)]])],
      main: { text: POSITION_SQL, values: [] },
      isAhead: true,
      decide: () => undefined,
      columns: () => undefined,
      row: (cells) => rows.push(cells) > 0,
    };
    await this.#run(script, { timeoutMs: CHECK_TIMEOUT_MS, bytesMax: CHECK_BYTES_MAX, overflown: () => false }, signal).catch(
      (error: unknown) => {
        if (error instanceof AlcoveError && error.code === 'closed') throw error;
        throw unavailable(this.id, wordsOf(error), error);
      },
    );
    const position = positionOf(rows[0] ?? []);
    if (position === null) throw unavailable(this.id, 'it does not say where it stands');
    return position;
  }

  async digest(room: ReadRequest['room'], signal: EndSignal, timeoutMs = DIGEST_TIMEOUT_MS): Promise<RoomDigest> {
    const model = this.#modelOf(room);
    const { runtime } = this.#options;
    try {
      return await this.#using(this.#digests, timeoutMs, signal, (client) =>
        digestOfMirror(client, {
          prelude: this.#prelude(room, timeoutMs),
          standingOf: (rows) => this.#standingOf(room, rows),
          tableOf: (table) => this.#names.tableOf(room.name, table),
          model,
          runtime,
        }),
      );
    } catch (error) {
      throw readFailure(this.id, error, []);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const source of [...this.#running]) source.end();
    await Promise.all([this.#leaving, this.#connections.close(), this.#digests.close()]);
  }

  /** The settings of a read and its watermark: the last one of them is what `#standingOf` takes. */
  #prelude(room: ReadRequest['room'], timeoutMs: number): PgStatement[] {
    const access = this.#access;
    return [
      settings([...SESSION_SETTINGS, ['statement_timeout', String(Math.ceil(timeoutMs))], [this.#names.setting, access.proof(room)]]),
      {
        text: `SELECT history_id, version::text, state, schema_id, current_user FROM ${this.#names.watermarks} WHERE room = $1 AND id = $2`,
        values: [room.name, room.id],
      },
    ];
  }

  #standingOf(room: ReadRequest['room'], [watermark]: readonly TextRow[]): BookmarkParts {
    const [historyId, version, state, schemaId, user] = watermark ?? [];
    if (historyId == null || version == null) throw new RoomUnavailable(`${this.id} does not have the room`);
    // Row security shows the reader role one room. Others, the owner and superusers first of all, see every room's rows.
    if (user !== this.#names.readerRole)
      throw unavailable(this.id, `it is read as the role ${user ?? ''}, not as ${this.#names.readerRole}`);
    if (state !== 'live') throw new RoomUnavailable(`the room is ${state === 'deleted' ? 'deleted' : 'still being copied'} in ${this.id}`);
    if (schemaId !== this.#modelOf(room).schemaId) throw new RoomUnavailable(`${this.id} has the room's rows of another schema`);
    return { historyId, version: Number(version) };
  }

  #modelOf({ name }: ReadRequest['room']): RoomModel {
    const model = this.#options.modelOf(name);
    if (model === undefined) throw new RoomUnavailable(`rooms of ${name} are not mirrored`);
    return model;
  }

  async #run(
    script: SnapshotScript,
    { timeoutMs, bytesMax, overflown }: { readonly timeoutMs: number; readonly bytesMax: number; readonly overflown: () => boolean },
    signal: EndSignal,
  ): Promise<void> {
    await this.#using(this.#connections, timeoutMs, signal, (client) => runOn(client, script, bytesMax, overflown));
  }

  async #using<T>(connections: PgConnections, timeoutMs: number, signal: EndSignal, work: (client: PoolClient) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new AlcoveError('closed', 'the replica is closed');
    const source = new EndSource();
    const ended = (): void => source.end();
    signal.addEventListener('abort', ended, { once: true });
    if (signal.aborted) ended();
    this.#running.add(source);
    try {
      return await pgTurn({ connections, runtime: this.#options.runtime, timeoutMs, signal: source.signal }, work);
    } finally {
      signal.removeEventListener('abort', ended);
      this.#running.delete(source);
    }
  }
}

/** Of reads, and of digests. */
function connectionsOf(
  { runtime, url, user, pool, connectTimeoutMs }: PgReplicaOptions,
  { reader }: MirrorAccess,
): [PgConnections, PgConnections] {
  const signsIn = user === undefined ? (new URL(url).username === '' ? reader : undefined) : user.user === reader.user ? reader : user;
  const shared = { runtime, url, user: signsIn, connectTimeoutMs };
  return [new PgConnections({ ...shared, max: pool }), new PgConnections({ ...shared, max: DIGESTS_AT_ONCE })];
}

/** For this transaction alone. Values go as parameters: sessions of one role see each other's statements. */
function settings(given: readonly (readonly [name: string, value: string])[]): PgStatement {
  const calls = given.map((_, index) => `pg_catalog.set_config($${2 * index + 1}, $${2 * index + 2}, true)`);
  return { text: `SELECT ${calls.join(', ')}`, values: given.flat() };
}

/** A room that is not there yet, or not whole, is behind whatever is asked of it: it is waited for. */
function orBehind(atLeast: BookmarkParts | null, standing: () => BookmarkParts): BookmarkParts {
  try {
    return standing();
  } catch (error) {
    if (atLeast !== null && error instanceof RoomUnavailable) throw new AlcoveError('read_behind', error.message, { cause: error });
    throw error;
  }
}

function refuseBehind(at: BookmarkParts, atLeast: BookmarkParts | null): void {
  if (atLeast === null) return;
  if (at.historyId !== atLeast.historyId) throw new AlcoveError('read_behind', 'the bookmark is of another history of the room');
  if (at.version < atLeast.version)
    throw new AlcoveError('read_behind', `version ${at.version} is there, ${atLeast.version} was asked for`);
}

/** @throws AlcoveError `sql_failed` for what neither SQLite nor PostgreSQL stores */
function parametersOf(params: Row): PgParameter[] {
  return params.map((value: unknown, index) => {
    if (value === null || (typeof value === 'number' && Number.isNaN(value))) return null;
    if (typeof value === 'number' || (typeof value === 'string' && isStorableText(value))) return value;
    if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    throw new AlcoveError(
      'sql_failed',
      `parameter ${index + 1} is of a type that SQL does not hold, or is text with NUL or half a character`,
    );
  });
}
