import { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { mayDo } from '../../access/front.ts';
import { type ReaderClass, SEES_ALL, undecided } from '../../access/reader-class.ts';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import { wholeOf } from '../../read/partly-told.ts';
import { lagOf, type ReadRoute, type RoutedAnswer } from '../../read/read-route.ts';
import { postgresSight } from '../../read/postgres-sight.ts';
import { type ReadSight, readSight } from '../../read/read-sight.ts';
import type { Dialect, EndSignal, ReadBounds, ReadRequest } from '../../read/replica.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { ReadAsked } from '../../room/room-ports.ts';
import { type AppRules, mayOf } from './gatekeeper.ts';
import type { OwnRead } from './server-sql.ts';

/** Who finds a replica for a read, and waits for one that is new enough. */
export interface ReadRoutes {
  /** @throws AlcoveError (as rejection) `sql_unavailable` where nobody there is of the dialect */
  read(request: ReadRequest, route: ReadRoute, waitMs: number, signal: EndSignal, dialect: Dialect): Promise<RoutedAnswer>;
}

export interface HostReadsOptions {
  readonly rooms: ReadonlyMap<string, AnyRoom>;
  readonly rules: AppRules;
  readonly routes: ReadRoutes;
  readonly bounds: ReadBounds;
  readonly runtime: Runtime;
  /** Counts the limits that reads meet. */
  readonly meter: LimitMeter;
  /** The schema of a definition's tables in the server's PostgreSQL mirror; null: they are in none. */
  readonly mirrorSchemaOf: (definition: string) => string | null;
}

/** Sights of classes of readers, of all rooms, kept at a time: each a text of a few hundred bytes a table. */
const SIGHTS_MAX = 1_000;

/** Reads of users and of the server's own code, on their way to the replicas: whether they may, and what they see. */
export class HostReads {
  readonly #options: HostReadsOptions;
  /** By definition and class; the longest unused first. Classes of two rooms share none, but for those who see all. */
  readonly #sights = new Map<string, ReadSight>();

  constructor(options: HostReadsOptions) {
    this.#options = options;
  }

  /** For a session. @throws AlcoveError `forbidden`, and what the read failed with */
  async forUser(room: RoomAddress, asked: ReadAsked, signal: EndSignal): Promise<RoutedAnswer> {
    const { query, claims, user, reader, sql, params, dialect, atLeast, historyId, route, waitMs } = asked;
    const may = await mayDo(claims, { kind: 'sql', query }, { may: mayOf(this.#options.rules, room) });
    if (!may) {
      const what = query === null ? 'read this room by SQL of its own' : `run the query ${query}`;
      throw new AlcoveError('forbidden', `this user may not ${what}`);
    }
    const sight = this.#sight(room, reader, false, dialect);
    return this.#read({ room, sql, params, sight, atLeast, historyId, user }, route, waitMs, signal, dialect);
  }

  /** For the server's own code, which sees all rows; with `whole` also tables that stay in the room, and what replicas say of themselves where none can be asked. `head`: where the room stands. */
  async own(
    room: RoomAddress,
    { sql, params, dialect, at, route, waitMs, signal }: OwnRead,
    head: BookmarkParts,
    whole = true,
  ): Promise<RoutedAnswer> {
    const atLeast = at === 'any' ? null : at === 'latest' ? { historyId: head.historyId, version: head.version } : at;
    if (atLeast !== null && atLeast.historyId !== head.historyId)
      throw new AlcoveError(
        'query_invalid',
        "the bookmark is of another history: it is another room's, or the room was restored or made anew since",
        {
          hint: 'Take a bookmark of this room again.',
        },
      );
    const sight = this.#sight(room, SEES_ALL, whole, dialect);
    const alone = whole && dialect === 'sqlite' && this.#staysIn(room, sql);
    const asked = alone ? { ...route, primaryOnly: true } : route;
    const request = { room, sql, params, sight, atLeast, historyId: head.historyId };
    const answer = await this.#read(request, asked, waitMs, signal, dialect).catch((error: unknown) => {
      throw whole ? wholeOf(error) : error;
    });
    return { ...answer, lag: lagOf(answer, head) };
  }

  /** Whether a table that stays in the room may be read: replicas have those empty, or not at all. SQLite takes a string for a name, too. */
  #staysIn({ name }: RoomAddress, sql: string): boolean {
    const tables = this.#options.rooms.get(name)?.model.tables ?? [];
    const text = sql.toLowerCase();
    return tables.some((table) => table.serverOnly && text.includes(table.name.toLowerCase()));
  }

  async #read(
    request: Omit<ReadRequest, 'bounds'>,
    route: ReadRoute,
    waitMs: number,
    signal: EndSignal,
    dialect: Dialect,
  ): Promise<RoutedAnswer> {
    const { bounds, routes, runtime, meter } = this.#options;
    try {
      const answer = await routes.read({ ...request, bounds }, route, waitMs, signal, dialect);
      if (answer.truncated) meter.met(answer.rows < bounds.rowsMax ? 'readBytesMax' : 'readRowsMax');
      return answer;
    } catch (cause) {
      const error = AlcoveError.from(cause);
      meter.saw(error);
      if (error.code === 'internal' || error.code === 'rule_failed') {
        const { name: room, id } = request.room;
        runtime.log.error('a read failed', { room, id, code: error.code, reason: error.message });
      }
      throw error.code === 'rule_failed' ? undecided(error) : error;
    }
  }

  #sight({ name }: RoomAddress, reader: ReaderClass, whole: boolean, dialect: Dialect): ReadSight {
    const definition = this.#options.rooms.get(name);
    if (definition === undefined) throw new AlcoveError('room_unknown', `this server has no room of the name ${name}`);
    const key = `${dialect} ${name} ${whole ? 'whole' : reader.id}`;
    const made = (): ReadSight =>
      dialect === 'sqlite'
        ? readSight(definition.model, reader, { whole })
        : postgresSight(definition.model, reader, this.#mirrorSchemaOf(name));
    const sight = this.#sights.get(key) ?? made();
    this.#sights.delete(key);
    this.#sights.set(key, sight);
    const [oldest] = this.#sights.keys();
    if (this.#sights.size > SIGHTS_MAX && oldest !== undefined) this.#sights.delete(oldest);
    return sight;
  }

  #mirrorSchemaOf(name: string): string {
    const schema = this.#options.mirrorSchemaOf(name);
    if (schema !== null) return schema;
    throw new AlcoveError(
      'sql_unavailable',
      `the query is of PostgreSQL's dialect, and rooms of ${name} are in no PostgreSQL of this server's`,
      {
        hint: 'Give createServer `mirror: { url }`, or ALCOVE_MIRROR_URL; or ask a query of SQLite.',
      },
    );
  }
}
