import { AlcoveError } from '@alcove/core/error';
import { jsonFrom } from '@alcove/core/json';
import { parseArguments } from '@alcove/core/mutation/parse-arguments';
import { type Bookmark, readBookmark } from '@alcove/core/protocol/bookmark';
import { READ_SQL_CHARACTERS_MAX, WAIT_MS_MAX } from '@alcove/core/protocol/limits';
import type { AnyRoom, QueryName, QueryRow } from '@alcove/core/schema/define-room';
import { isStorableText } from '@alcove/core/sqlite/identifier';
import { type BuiltQuery, queryOf, type RowOf, sessionlessDrizzle } from '@alcove/core/sqlite/built-query';
import { postgresRowsOf } from '@alcove/core/sqlite/postgres-rows';
import { kindOf, type KeysOf } from '@alcove/core/unknown-keys';
import type { EngineRead, ReadAt } from '../sync/server-read.ts';
import { built, type QueryBuild } from './query-build.ts';

/** How a read on the server is to be answered. */
export interface AnswerOptions {
  /**
   * How new the answer must be. Left out, or null: nothing that this tab shows is missing in it, nor what was called before and is not decided yet, which is waited for. `any`: whatever the replica has.
   * `latest`: what the room had when the question got there. A bookmark: at least that.
   */
  readonly at?: ReadAt | null | undefined;
  /** For what has to be waited for, in ms: pending mutations, a connection, a replica that is behind. 0 to 60,000; default 2,000. The statement's own time is the server's business. */
  readonly waitMs?: number | undefined;
  /** Where it is best answered: a region, … */
  readonly region?: string | undefined;
  /** … a purpose that replicas are set aside for: `analytics`. */
  readonly purpose?: string | undefined;
  /** Who comes first where replicas are short. Default `normal`. */
  readonly priority?: 'high' | 'normal' | 'low' | undefined;
  /** By the primary's own readers, where they have a place. */
  readonly preferPrimary?: boolean | undefined;
}

export const ANSWER_OPTIONS: KeysOf<AnswerOptions> = {
  at: true,
  waitMs: true,
  region: true,
  purpose: true,
  priority: true,
  preferPrimary: true,
};

const WAIT_MS = 2_000;

/** What is asked, and how its rows are mapped where it was built. */
export interface ServerQuestion<Mapped> {
  readonly ask: EngineRead['ask'];
  /** As a BuiltQuery's; empty where a name and arguments are asked, whose rows are always mapped alike. */
  readonly shape: string;
  readonly map: BuiltQuery<Mapped>['map'];
}

/** @throws AlcoveError `query_invalid` where the build is asynchronous, is no query, does more than read, or is larger than a server takes (100 parameters are all that any query may have). */
export function questionOf<Query>(build: QueryBuild<Query> | Query): ServerQuestion<RowOf<Query>> {
  const { sql, params, shape, map } = built(build);
  if (sql.length > READ_SQL_CHARACTERS_MAX)
    throw new AlcoveError('query_invalid', `the SQL has ${sql.length} characters; a server takes ${READ_SQL_CHARACTERS_MAX}`);
  return { ask: { sql, params }, shape, map };
}

/** @throws AlcoveError `query_unknown`, `arguments_invalid`, and whatever its body throws. */
export function namedQuestion<Room extends AnyRoom, Name extends QueryName<Room>>(
  { name: roomName, queries }: Room,
  name: Name,
  args: unknown,
): ServerQuestion<QueryRow<Room, Name>> {
  const found = Object.hasOwn(queries, name) ? queries[name] : undefined;
  if (found === undefined) throw new AlcoveError('query_unknown', `the room ${roomName} has no query called ${JSON.stringify(name)}`);
  const json = args === undefined ? null : jsonFrom(args, 'arguments_invalid', `arguments of ${name}`);
  // Its own schema has made these arguments; its SQL stays here, only its rows are mapped by it.
  const query = found.body(sessionlessDrizzle(), parseArguments(name, found.schema, json) as never);
  const map = found.dialect === 'postgres' ? postgresRowsOf(query) : queryOf(query).map;
  return { ask: { query: name, args: json }, shape: '', map: map as BuiltQuery<QueryRow<Room, Name>>['map'] }; // of that very query
}

/** @throws AlcoveError `option_invalid`; `query_invalid` for what is no bookmark. */
export function readOf({ ask }: Pick<ServerQuestion<unknown>, 'ask'>, options: AnswerOptions): EngineRead {
  const { at = null, waitMs = WAIT_MS, region, purpose, priority, preferPrimary } = options;
  if (at !== null && at !== 'any' && at !== 'latest') assertBookmark(at);
  if (!Number.isSafeInteger(waitMs) || waitMs < 0 || waitMs > WAIT_MS_MAX)
    throw wrong('waitMs', `a whole number of ms from 0 to ${WAIT_MS_MAX}`, waitMs);
  assertName('region', region);
  assertName('purpose', purpose);
  if (priority !== undefined && !['high', 'normal', 'low'].includes(priority))
    throw wrong('priority', '"high", "normal" or "low"', priority);
  if (preferPrimary !== undefined && typeof preferPrimary !== 'boolean') throw wrong('preferPrimary', 'true or false', preferPrimary);
  const route = {
    ...(region === undefined ? {} : { region }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(priority === undefined ? {} : { priority }),
    ...(preferPrimary === undefined ? {} : { preferPrimary }),
  };
  return { ask, at, waitMs, route };
}

function assertBookmark(at: Bookmark): void {
  if (typeof at !== 'string') throw wrong('at', '"any", "latest" or a bookmark', at);
  readBookmark(at);
}

function assertName(option: string, name: unknown): void {
  if (name === undefined) return;
  if (typeof name !== 'string' || name === '' || name.length > 128 || !isStorableText(name))
    throw wrong(option, 'a text of 1 to 128 characters', name);
}

const wrong = (option: string, wanted: string, given: unknown): AlcoveError =>
  new AlcoveError(
    'option_invalid',
    `${option} of a read on the server must be ${wanted}, and is ${typeof given === 'number' ? given : kindOf(given)}`,
  );
