import { cellFromWire } from '@alcove/core/change/wire-cell';
import { AlcoveError } from '@alcove/core/error';
import { parseArguments } from '@alcove/core/mutation/parse-arguments';
import { type BookmarkParts, bookmarkOf, readBookmark } from '@alcove/core/protocol/bookmark';
import type { ReadMessage } from '@alcove/core/protocol/client-message';
import { encodeText } from '@alcove/core/protocol/codec';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Row } from '@alcove/core/sqlite/database';
import { queryOf, sessionlessDrizzle } from '@alcove/core/sqlite/built-query';
import { postgresQueryOf } from '../read/postgres-query.ts';
import { lagOf, type ReadRoute, type RoutedAnswer } from '../read/read-route.ts';
import type { Dialect } from '../read/replica.ts';
import type { Connections, RoomStep } from './connections.ts';
import { userKeyOf } from './mutation-rates.ts';
import type { RoomParts } from './room-parts.ts';
import type { Schedule } from './schedule.ts';
import type { Session } from './sessions.ts';

const WAIT_DEFAULT_MS = 2_000;

interface OpenRead {
  readonly session: Session;
  readonly request: number;
  /** Null: SQL of the user's own. */
  readonly query: string | null;
  readonly sql: string;
  readonly params: Row;
  readonly dialect: Dialect;
  readonly atLeast: BookmarkParts | null;
  readonly untilMs: number;
  readonly route: ReadRoute;
}

/**
 * Reads on the server that sessions have asked for and were not answered. What is read and by whose eyes is settled here, who answers is the host's business
 * (`ports.read`). Nobody is ahead of the room, so a version that it has not reached is waited for here.
 */
export class SessionReads {
  readonly #parts: RoomParts;
  readonly #connections: Connections;
  readonly #schedule: Schedule<RoomStep>;
  readonly #open = new Map<Session, Map<number, OpenRead>>();
  /** Those that the host has; the others wait for the room to get to their version. */
  readonly #asked = new Set<OpenRead>();
  readonly #waiting = new Set<OpenRead>();
  /** No version before it is waited for. */
  #leastWaited = Number.POSITIVE_INFINITY;
  readonly #countByUser = new Map<string, number>();

  constructor(parts: RoomParts, connections: Connections, schedule: Schedule<RoomStep>) {
    this.#parts = parts;
    this.#connections = connections;
    this.#schedule = schedule;
  }

  /** Answered with `readRows` or `readFailed`, sooner or later; nothing is thrown. */
  ask(session: Session, message: ReadMessage): void {
    try {
      const read = this.#begin(session, message);
      this.#add(read);
      this.#proceed(read);
    } catch (cause) {
      this.#fail(session, message.request, AlcoveError.from(cause));
    }
  }

  /** Nobody waits for it any more. */
  end(session: Session, request: number): void {
    const read = this.#open.get(session)?.get(request);
    if (read !== undefined && this.#take(read)) this.#parts.ports.readEnd?.(session.connectionId, request);
  }

  /** The session is gone. */
  left(session: Session): void {
    for (const request of [...(this.#open.get(session)?.keys() ?? [])]) this.end(session, request);
  }

  /** It sees other rows now: what was asked is asked anew, and an answer that is on its way belongs to nobody. */
  reclass(session: Session): void {
    for (const read of [...(this.#open.get(session)?.values() ?? [])]) {
      if (!this.#asked.has(read)) continue;
      this.#parts.ports.readEnd?.(session.connectionId, read.request);
      this.#proceed(read);
    }
  }

  /** What the host found out. Late words for a read that was ended are ignored. */
  answer(session: Session, request: number, answer: RoutedAnswer | AlcoveError): void {
    const read = this.#open.get(session)?.get(request);
    if (read === undefined || !this.#asked.has(read)) return;
    this.#take(read);
    if (answer instanceof AlcoveError) return this.#fail(session, request, answer);
    const { columns, cells, truncated, at, replica, tookMs } = answer;
    const { historyId, gate, ports, runtime } = this.#parts;
    const lag = lagOf(answer, { historyId, version: gate.durable });
    // Clocks give parts of a ms, messages carry none.
    const about = { replica, lagVersions: lag.versions, lagMs: Math.ceil(lag.ms), tookMs: Math.round(tookMs) };
    const head = { type: 'readRows', request, columns, truncated, bookmark: bookmarkOf(at), ...about };
    ports.send(session.connectionId, encodeText(`${JSON.stringify(head).slice(0, -1)},"cells":${cells}}`, session.codec, runtime), 'main');
  }

  /** More versions are durable. */
  advanced(): void {
    if (this.#parts.gate.durable < this.#leastWaited) return;
    this.#leastWaited = Number.POSITIVE_INFINITY;
    for (const read of [...this.#waiting]) this.#proceed(read);
  }

  /** Those whose time is up. */
  tick(): void {
    const nowMs = this.#parts.runtime.monotonicMs();
    for (const read of [...this.#waiting]) {
      if (nowMs < read.untilMs) this.#schedule.want('reads', read.untilMs);
      else {
        this.#take(read);
        this.#fail(read.session, read.request, this.#behind(read));
      }
    }
  }

  #begin(session: Session, message: ReadMessage): OpenRead {
    const { request, at = 'any', waitMs = WAIT_DEFAULT_MS } = message;
    const { ports, limits, runtime, historyId, gate } = this.#parts;
    if (ports.read === undefined) throw new AlcoveError('sql_unavailable', 'this server reads nothing by SQL');
    if (this.#open.get(session)?.has(request) === true) throw new AlcoveError('query_invalid', `read ${request} is not answered yet`);
    const { userReadsMax, retryAfterMs } = limits;
    if ((this.#countByUser.get(userKeyOf(session)) ?? 0) >= userReadsMax) {
      const limit = 'userReadsMax';
      throw new AlcoveError('rate_limited', `this user has ${userReadsMax} reads running, the limit`, { retryAfterMs, limit });
    }
    if (session.isRelayed && ports.bufferedBytes(session.connectionId) > limits.subscriberBacklogBytesMax) {
      const limit = 'subscriberBacklogBytesMax';
      throw new AlcoveError('overloaded', 'too much waits on the way to the follower that the tab is at', { retryAfterMs, limit });
    }
    const atLeast = at === 'any' ? null : at === 'latest' ? { historyId, version: gate.durable } : this.#bookmarked(at);
    const { region = null, purpose = null, priority = 'normal', preferPrimary = false } = message;
    return {
      session,
      request,
      query: message.query ?? null,
      ...statementOf(this.#parts.definition, message),
      atLeast,
      untilMs: runtime.monotonicMs() + waitMs,
      // Ahead of everybody is for the server's own code to say.
      route: { region, purpose, priority: priority === 'high' ? 'normal' : priority, preferPrimary },
    };
  }

  #bookmarked(text: string): BookmarkParts {
    const parts = readBookmark(text);
    if (parts.historyId === this.#parts.historyId) return parts;
    throw new AlcoveError(
      'query_invalid',
      "the bookmark is of another history: it is another room's, or the room was restored or made anew since",
      {
        hint: 'Ask this room for a bookmark: room.bookmark().',
      },
    );
  }

  #proceed(read: OpenRead): void {
    const { ports, gate, runtime, historyId } = this.#parts;
    const { session, request, query, sql, params, dialect, atLeast, route, untilMs } = read;
    this.#waiting.delete(read);
    this.#asked.delete(read);
    if (atLeast !== null && atLeast.version > gate.durable) {
      this.#waiting.add(read);
      this.#leastWaited = Math.min(this.#leastWaited, atLeast.version);
      return this.#schedule.want('reads', untilMs);
    }
    this.#asked.add(read);
    const { readerClass, access } = session;
    ports.read?.(session.connectionId, request, {
      query,
      sql,
      params,
      dialect,
      atLeast,
      historyId,
      route,
      reader: readerClass,
      claims: access.claims,
      user: userKeyOf(session),
      waitMs: Math.max(0, untilMs - runtime.monotonicMs()),
    });
  }

  #behind({ atLeast }: OpenRead): AlcoveError {
    const { gate } = this.#parts;
    return new AlcoveError('read_behind', `the room is at version ${gate.durable}, and the read asks for ${atLeast?.version ?? 0}`);
  }

  #add(read: OpenRead): void {
    const user = userKeyOf(read.session);
    this.#countByUser.set(user, (this.#countByUser.get(user) ?? 0) + 1);
    const reads = this.#open.get(read.session) ?? new Map<number, OpenRead>();
    reads.set(read.request, read);
    this.#open.set(read.session, reads);
  }

  /** It is over. @returns whether the host has it. */
  #take(read: OpenRead): boolean {
    const { session, request } = read;
    const reads = this.#open.get(session);
    reads?.delete(request);
    if (reads?.size === 0) this.#open.delete(session);
    this.#waiting.delete(read);
    const user = userKeyOf(session);
    const count = (this.#countByUser.get(user) ?? 1) - 1;
    if (count > 0) this.#countByUser.set(user, count);
    else this.#countByUser.delete(user);
    return this.#asked.delete(read);
  }

  #fail(session: Session, request: number, error: AlcoveError): void {
    this.#parts.meter.saw(error);
    this.#connections.send(session, { type: 'readFailed', request, ...error.toBody() });
  }
}

/** The SQL of a query of the definition is the server's own: of it only name and arguments came. SQL of users' own is SQLite's. */
function statementOf(
  definition: AnyRoom,
  { sql, params, query, args = null }: ReadMessage,
): { readonly sql: string; readonly params: Row; readonly dialect: Dialect } {
  if (sql !== undefined && query === undefined) return { sql, params: (params ?? []).map(cellFromWire), dialect: 'sqlite' };
  if (query === undefined || sql !== undefined)
    throw new AlcoveError('query_invalid', 'a read names either SQL or a query of the definition');
  const found = Object.hasOwn(definition.queries, query) ? definition.queries[query] : undefined;
  if (found === undefined)
    throw new AlcoveError('query_unknown', `the room ${definition.name} has no query called ${JSON.stringify(query)}`);
  // Its own schema has made these arguments.
  const asked = found.body(sessionlessDrizzle(), parseArguments(query, found.schema, args) as never);
  const built = found.dialect === 'postgres' ? postgresQueryOf(asked) : queryOf(asked);
  return { sql: built.sql, params: built.params, dialect: found.dialect };
}
