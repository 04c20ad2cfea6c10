import { AlcoveError } from '@alcove/core/error';
import type { AnyRoom, QueryArgs, QueryName, QueryRow } from '@alcove/core/schema/define-room';
import type { RowOf } from '@alcove/core/sqlite/built-query';
import { isObject, kindOf, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import type { EngineRead } from '../sync/server-read.ts';
import { sharedKeyOf } from './page-queries.ts';
import type { QueryBuild } from './query-build.ts';
import { type ServerQuery, type ServerQueryPorts, SharedServerQuery } from './server-query.ts';
import type { Refreshing } from './server-query-times.ts';
import { namedQuestion, questionOf, readOf, ANSWER_OPTIONS, type ServerQuestion, type AnswerOptions } from './server-question.ts';
import { WeakValues } from './weak-values.ts';

/** When a server query is asked, besides its first listener's coming and `refresh`. */
export interface ServerQueryOptions extends AnswerOptions {
  /** So long after each answer, in ms; at least 100. Not while nobody looks at the page. */
  readonly refreshMs?: number | undefined;
  /** When the room has gone on, after 500 ms or `debounceMs`: a room that goes on without a pause is asked once in each such time. Not while nobody looks at the page. */
  readonly live?: boolean | { readonly debounceMs?: number | undefined } | undefined;
  /** False: it is not asked, but for `refresh`. Default true. */
  readonly enabled?: boolean | undefined;
}

/** `room.serverQuery` and `useServerQuery`: by SQL, or by the name of a query of the definition, with its arguments. */
export interface OpenServerQuery<Room extends AnyRoom> {
  <Name extends QueryName<Room>>(
    name: Name,
    ...rest: undefined extends QueryArgs<Room, Name>
      ? [args?: QueryArgs<Room, Name>, options?: ServerQueryOptions]
      : [args: QueryArgs<Room, Name>, options?: ServerQueryOptions]
  ): ServerQuery<QueryRow<Room, Name>>;
  <Query extends object>(build: QueryBuild<Query> | Query, options?: ServerQueryOptions): ServerQuery<RowOf<Query>>;
}

const OPTIONS: KeysOf<ServerQueryOptions> = { ...ANSWER_OPTIONS, refreshMs: true, live: true, enabled: true };

const REFRESH_MS_MIN = 100;
const LIVE_DEBOUNCE_MS = 500;

/** The server queries that a page uses of one room: equal ones share what they ask. */
export class PageServerQueries {
  readonly #definition: AnyRoom;
  readonly #ports: Omit<ServerQueryPorts, 'onUsed'>;
  /** Every one that somebody holds. */
  readonly #byKey = new WeakValues<SharedServerQuery<unknown>>();
  /** Those in use, and for a while after. */
  readonly #inUse = new Set<SharedServerQuery<unknown>>();

  constructor(definition: AnyRoom, ports: Omit<ServerQueryPorts, 'onUsed'>) {
    this.#definition = definition;
    this.#ports = ports;
  }

  /** As `OpenServerQuery`. @throws AlcoveError `query_invalid`, `query_unknown`, `arguments_invalid`, `option_invalid` */
  readonly open = (asked: unknown, ...rest: readonly unknown[]): ServerQuery<unknown> => {
    if (typeof asked !== 'string') return this.#get(questionOf(asked), rest[0]);
    return this.#get(namedQuestion(this.#definition, asked, rest[0]), rest[1]);
  };

  #get(question: ServerQuestion<unknown>, given: unknown = {}): ServerQuery<unknown> {
    refuseUnknownKeys('option_invalid', 'a server query', given, OPTIONS);
    // No key but those of options; what they hold is checked below.
    const options = given as ServerQueryOptions;
    const read = readOf(question, options);
    const refreshing = refreshingOf(options);
    const key = `${askedKey(read, question.shape)}\u0000${JSON.stringify([read.at, read.waitMs, read.route])}`;
    let shared = this.#byKey.get(key);
    if (shared === undefined) {
      const made = new SharedServerQuery(question, read, { ...this.#ports, onUsed: (isUsed) => this.#keep(key, made, isUsed) });
      this.#byKey.set(key, made);
      shared = made;
    }
    return shared.view(refreshing);
  }

  #keep(key: string, query: SharedServerQuery<unknown>, isUsed: boolean): void {
    if (!isUsed) return void this.#inUse.delete(query);
    this.#inUse.add(query);
    if (this.#byKey.get(key) === undefined) this.#byKey.set(key, query);
  }

  /** The room is closed. */
  endAll(): void {
    for (const query of this.#inUse) query.end();
    this.#inUse.clear();
  }
}

const askedKey = ({ ask }: EngineRead, shape: string): string =>
  'sql' in ask ? sharedKeyOf(ask, shape) : `${ask.query}\u0000\u0000${JSON.stringify(ask.args)}`;

function refreshingOf({ refreshMs, live = false, enabled = true }: ServerQueryOptions): Refreshing {
  if (refreshMs !== undefined && !isMs(refreshMs, REFRESH_MS_MIN))
    throw wrong('refreshMs', `a whole number of ms of at least ${REFRESH_MS_MIN}`, refreshMs);
  if (typeof enabled !== 'boolean') throw wrong('enabled', 'true or false', enabled);
  return { enabled, refreshMs: refreshMs ?? null, liveMs: liveMsOf(live) };
}

function liveMsOf(live: ServerQueryOptions['live']): number | null {
  if (live === true) return LIVE_DEBOUNCE_MS;
  if (live === false || live === undefined) return null;
  if (!isObject(live)) throw wrong('live', 'true, false or { debounceMs }', live);
  refuseUnknownKeys('option_invalid', 'live of a server query', live, { debounceMs: true });
  const { debounceMs = LIVE_DEBOUNCE_MS } = live;
  if (!isMs(debounceMs, 0)) throw wrong('live.debounceMs', 'a whole number of ms', debounceMs);
  return debounceMs;
}

const isMs = (given: unknown, min: number): boolean => Number.isSafeInteger(given) && Number(given) >= min;

const wrong = (option: string, wanted: string, given: unknown): AlcoveError =>
  new AlcoveError(
    'option_invalid',
    `${option} of a server query must be ${wanted}, and is ${typeof given === 'number' ? given : kindOf(given)}`,
  );
