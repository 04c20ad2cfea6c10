import type { StandardSchemaV1 } from '@standard-schema/spec';
import { AlcoveError } from '../error.ts';
import type { SQL } from 'drizzle-orm';
import type { SyncDrizzle } from '../sqlite/drizzle.ts';
import { kindOf, type KeysOf, refuseUnknownKeys } from '../unknown-keys.ts';
import { isSchema } from './define-mutator.ts';
import { noArguments } from './no-arguments.ts';

const NO_ARGUMENTS = noArguments('query');

/** Builds the read: a Drizzle select on `db`, or sql`…`. Runs on the server; the tab runs it too, to know how rows are mapped. */
export type QueryBody<Args, Query> = (db: SyncDrizzle, args: Args) => Query;

/** Whose SQL a query is: the room's own, or that of a PostgreSQL mirror (docs/guides/read-routing.md), which alone is asked it. */
export type QueryDialect = 'sqlite' | 'postgres';

export interface QueryOptions {
  readonly dialect: QueryDialect;
}

const QUERY_OPTIONS: KeysOf<QueryOptions> = { dialect: true };

/** A read on the server under a name: a tab sends the name and its arguments, the server builds the SQL. */
export interface QueryDefinition<Input = never, Output = never, Query = unknown> {
  readonly kind: 'query';
  readonly schema: StandardSchemaV1<Input, Output>;
  readonly body: QueryBody<Output, Query>;
  readonly dialect: QueryDialect;
}

/** What every QueryDefinition is assignable to. */
export interface AnyQuery {
  readonly kind: 'query';
  readonly schema: StandardSchemaV1<unknown, unknown>;
  readonly body: QueryBody<never, unknown>;
  readonly dialect: QueryDialect;
}

type Input<Schema extends StandardSchemaV1> = StandardSchemaV1.InferInput<Schema>;
type Output<Schema extends StandardSchemaV1> = StandardSchemaV1.InferOutput<Schema>;

/** Of PostgreSQL's dialect: it is built by sql`…` alone. */
interface Postgres extends QueryOptions {
  readonly dialect: 'postgres';
}

interface Sqlite extends QueryOptions {
  readonly dialect: 'sqlite';
}

/**
 * Declares a read on the server, for `defineRoom({ queries })`. `schema` is any Standard Schema that validates synchronously; it parses the raw input on each side. With
 * `{ dialect: 'postgres' }` it returns sql`…` of PostgreSQL's and is answered by the server's PostgreSQL mirror.
 * @throws AlcoveError `schema_invalid` for anything else.
 */
export function query<Schema extends StandardSchemaV1, Query extends SQL>(
  schema: Schema,
  body: QueryBody<Output<Schema>, Query>,
  options: Postgres,
): QueryDefinition<Input<Schema>, Output<Schema>, Query>;
export function query<Query extends SQL>(
  body: QueryBody<undefined, Query>,
  options: Postgres,
): QueryDefinition<undefined, undefined, Query>;
export function query<Schema extends StandardSchemaV1, Query>(
  schema: Schema,
  body: QueryBody<Output<Schema>, Query>,
  options?: Sqlite,
): QueryDefinition<Input<Schema>, Output<Schema>, Query>;
export function query<Query>(body: QueryBody<undefined, Query>, options?: Sqlite): QueryDefinition<undefined, undefined, Query>;
export function query(
  first: StandardSchemaV1 | QueryBody<undefined, unknown>,
  second?: QueryBody<unknown, unknown> | QueryOptions,
  third?: QueryOptions,
): QueryDefinition<unknown, unknown> | QueryDefinition<undefined, undefined> {
  if (isSchema(first) && typeof second === 'function')
    return Object.freeze({ kind: 'query', schema: first, body: second, dialect: dialectOf(third) });
  if (typeof first === 'function' && !isSchema(first) && typeof second !== 'function' && third === undefined)
    return Object.freeze({ kind: 'query', schema: NO_ARGUMENTS, body: first, dialect: dialectOf(second) });
  const given = isSchema(first) ? `a schema and ${kindOf(second)}` : kindOf(first);
  throw new AlcoveError('schema_invalid', `query takes a Standard Schema and a function, or a function alone, and got ${given}`);
}

function dialectOf(options: QueryOptions | undefined): QueryDialect {
  if (options === undefined) return 'sqlite';
  refuseUnknownKeys('schema_invalid', 'query', options, QUERY_OPTIONS);
  const { dialect } = options;
  if (dialect === 'sqlite' || dialect === 'postgres') return dialect;
  throw new AlcoveError('schema_invalid', `the dialect of a query is 'sqlite' or 'postgres', and not ${JSON.stringify(dialect)}`);
}
