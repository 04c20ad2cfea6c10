import type { AnswerFacts } from '@alcove/core/protocol/answer-facts';
import type { AnyRoom, QueryArgs, QueryName, QueryRow } from '@alcove/core/schema/define-room';
import type { RowOf } from '@alcove/core/sqlite/built-query';
import { AlcoveError } from '@alcove/core/error';
import { isObject, kindOf, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import type { PageReads } from './page-reads.ts';
import type { QueryBuild } from './query-build.ts';
import { namedQuestion, questionOf, readOf, ANSWER_OPTIONS, type ServerQuestion, type AnswerOptions } from './server-question.ts';

/** Options of one call of `room.sql`. */
export interface ServerReadOptions extends AnswerOptions {
  /** Aborted, the call rejects with `closed`, and the server ends what it runs. */
  readonly signal?: AbortSignal | undefined;
}

/** What a server answered. */
export interface ServerResult<Mapped> extends AnswerFacts {
  readonly rows: readonly Mapped[];
}

/** `room.sql`: SQL of the caller's own, and the queries of the definition by name. */
export type ServerSql<Room extends AnyRoom> = RunServerSql & {
  readonly [Name in QueryName<Room>]: undefined extends QueryArgs<Room, Name>
    ? (args?: QueryArgs<Room, Name>, options?: ServerReadOptions) => Promise<ServerResult<QueryRow<Room, Name>>>
    : (args: QueryArgs<Room, Name>, options?: ServerReadOptions) => Promise<ServerResult<QueryRow<Room, Name>>>;
};

/** A Drizzle select, built synchronously, or sql`…`: one statement of SQLite that only reads. */
export type RunServerSql = <Query>(build: QueryBuild<Query> | Query, options?: ServerReadOptions) => Promise<ServerResult<RowOf<Query>>>;

const OPTIONS: KeysOf<ServerReadOptions> = { ...ANSWER_OPTIONS, signal: true };

/** Nothing throws: what is wrong with a question rejects like what is wrong with its answer. */
export function serverSql<Room extends AnyRoom>(definition: Room, reads: Pick<PageReads, 'read'>): ServerSql<Room> {
  const answered = async <Mapped>(question: ServerQuestion<Mapped>, options: ServerReadOptions = {}): Promise<ServerResult<Mapped>> => {
    refuseUnknownKeys('option_invalid', 'room.sql', options, OPTIONS);
    const { columns, rows, ...answer } = await reads.read(readOf(question, options), signalIn(options));
    return { rows: question.map(rows, columns), ...answer };
  };
  const run: RunServerSql = async (build, options) => answered(questionOf(build), options);
  const named = Object.keys(definition.queries).map((name) => {
    const ask = async (args: unknown, options?: ServerReadOptions) =>
      answered(namedQuestion<AnyRoom, string>(definition, name, args), options);
    return [name, ask] as const;
  });
  return Object.freeze(Object.assign(run, Object.fromEntries(named))) as unknown as ServerSql<Room>; // one function a query, as the type says
}

function signalIn({ signal }: ServerReadOptions): AbortSignal | undefined {
  if (signal === undefined || (isObject(signal) && 'aborted' in signal && 'addEventListener' in signal)) return signal;
  throw new AlcoveError('option_invalid', `signal of room.sql must be an AbortSignal, and is ${kindOf(signal)}`);
}
