import type { IncomingMessage, ServerResponse } from 'node:http';
import { cellFromWire } from '@alcove/core/change/wire-cell';
import { AlcoveError } from '@alcove/core/error';
import { bookmarkOf, readBookmark } from '@alcove/core/protocol/bookmark';
import { wireCell } from '@alcove/core/protocol/wire-changes';
import * as v from 'valibot';
import { ANY_ROUTE, type RoutedAnswer } from '../../read/read-route.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { BearerGuard } from './bearer-guard.ts';
import { BearerToken } from './bearer-token.ts';
import { answerError } from './http-answer.ts';
import { statusOf } from './read-endpoint.ts';
import { requestBody } from './request-body.ts';
import { roomAddressOf } from './room-address-of.ts';
import type { OwnRead } from './server-sql.ts';

const BODY_BYTES_MAX = 1024 * 1024;
const WAIT_DEFAULT_MS = 2_000;

const body = v.strictObject({
  /** As `trip/japan-2027`. */
  room: v.string(),
  sql: v.string(),
  params: v.optional(v.array(wireCell), []),
  /** `any`, `latest` or a bookmark. */
  at: v.optional(v.string(), 'latest'),
  /** `postgres`: of the mirror. */
  dialect: v.optional(v.picklist(['sqlite', 'postgres']), 'sqlite'),
  waitMs: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(60_000)), WAIT_DEFAULT_MS),
});

export interface SqlEndpointOptions {
  readonly guard: BearerGuard;
  /** Who brings it sees tables that stay in the room, too; null: nobody does. */
  readonly wholeToken: string | null;
  /** @param whole With tables that stay in the room. @throws AlcoveError `room_unknown` */
  readonly read: (room: RoomAddress, read: OwnRead, whole: boolean) => Promise<RoutedAnswer>;
}

/** What `/sql` answers: the head of the answer, then its cells, column by column. */
export interface SqlAnswer {
  readonly columns: readonly string[];
  readonly rows: number;
  readonly truncated: boolean;
  readonly bookmark: string;
  readonly replica: string;
  readonly lagVersions: number;
  readonly lagMs: number;
  readonly tookMs: number;
}

/** `POST <path>/sql`: one statement that reads, of one room, for whoever runs the server: row rules do not apply. In the same sandbox, with the same bounds and replicas as reads of users. */
export class SqlEndpoint {
  readonly #options: SqlEndpointOptions;
  readonly #whole: BearerToken | null;

  constructor(options: SqlEndpointOptions) {
    this.#options = options;
    this.#whole = options.wholeToken === null ? null : new BearerToken(options.wholeToken);
  }

  owns(path: string): boolean {
    return path === '/sql';
  }

  async handle(_: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const refusal = this.#options.guard.refusal(request, 'rooms are read here with the admin token or the follower token');
      if (refusal !== null) throw refusal;
      if (request.method !== 'POST') throw new AlcoveError('bad_message', `a read is sent with POST, not ${request.method}`);
      await this.#answer(request, response);
    } catch (cause) {
      const error = AlcoveError.from(cause);
      if (response.headersSent) response.destroy();
      else answerError(response, error.code === 'room_unknown' ? 404 : statusOf(error), error);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { room, sql, params, at, dialect, waitMs } = askedOf(await requestBody(request, BODY_BYTES_MAX));
    const address = roomAddressOf(room);
    if (address === null) throw new AlcoveError('room_unknown', `${JSON.stringify(room.slice(0, 300))} is no room; write NAME/ID`);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const read: OwnRead = {
      sql,
      params: params.map(cellFromWire),
      dialect,
      at: at === 'any' || at === 'latest' ? at : readBookmark(at),
      waitMs,
      route: ANY_ROUTE,
      signal: gone.signal,
    };
    const brought = BearerToken.in(request) ?? '';
    const answer = await this.#options.read(address, read, this.#whole?.is(brought) === true);
    const { columns, rows, truncated, replica, lag, tookMs } = answer;
    const bookmark = bookmarkOf(answer.at);
    const head: SqlAnswer = { columns, rows, truncated, bookmark, replica, lagVersions: lag.versions, lagMs: lag.ms, tookMs };
    const bytes = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"cells":${answer.cells}}`);
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': bytes.length,
      'cache-control': 'no-store',
    });
    response.end(bytes);
  }
}

function askedOf(text: string): v.InferOutput<typeof body> {
  try {
    return v.parse(body, JSON.parse(text));
  } catch (cause) {
    const what = cause instanceof v.ValiError ? cause.message : 'it is not JSON';
    throw new AlcoveError('bad_message', `the body is no read: ${what.slice(0, 300)}`, {
      hint: 'Send { room, sql, params, at, dialect, waitMs }.',
    });
  }
}
