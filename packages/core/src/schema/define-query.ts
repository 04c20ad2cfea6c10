import type { StandardSchemaV1 } from '@standard-schema/spec';
import { AlcoveError } from '../error.ts';
import type { SyncDrizzle } from '../sqlite/drizzle.ts';
import { kindOf } from '../unknown-keys.ts';
import { isSchema } from './define-mutator.ts';
import { noArguments } from './no-arguments.ts';

const NO_ARGUMENTS = noArguments('query');

/** Builds the read: a Drizzle select on `db`, or sql`…`. Runs on the server; the tab runs it too, to know how rows are mapped. */
export type QueryBody<Args, Query> = (db: SyncDrizzle, args: Args) => Query;

/** A read on the server under a name: a tab sends the name and its arguments, the server builds the SQL. */
export interface QueryDefinition<Input = never, Output = never, Query = unknown> {
  readonly kind: 'query';
  readonly schema: StandardSchemaV1<Input, Output>;
  readonly body: QueryBody<Output, Query>;
}

/** What every QueryDefinition is assignable to. */
export interface AnyQuery {
  readonly kind: 'query';
  readonly schema: StandardSchemaV1<unknown, unknown>;
  readonly body: QueryBody<never, unknown>;
}

type Input<Schema extends StandardSchemaV1> = StandardSchemaV1.InferInput<Schema>;
type Output<Schema extends StandardSchemaV1> = StandardSchemaV1.InferOutput<Schema>;

/**
 * Declares a read on the server, for `defineRoom({ queries })`. `schema` is any Standard Schema that validates synchronously; it parses the raw input on each side.
 * @throws AlcoveError `schema_invalid` for anything else.
 */
export function query<Schema extends StandardSchemaV1, Query>(
  schema: Schema,
  body: QueryBody<Output<Schema>, Query>,
): QueryDefinition<Input<Schema>, Output<Schema>, Query>;
export function query<Query>(body: QueryBody<undefined, Query>): QueryDefinition<undefined, undefined, Query>;
export function query(
  first: StandardSchemaV1 | QueryBody<undefined, unknown>,
  second?: QueryBody<unknown, unknown>,
): QueryDefinition<unknown, unknown> | QueryDefinition<undefined, undefined> {
  if (typeof second === 'function' && isSchema(first)) return Object.freeze({ kind: 'query', schema: first, body: second });
  if (second === undefined && typeof first === 'function' && !isSchema(first))
    return Object.freeze({ kind: 'query', schema: NO_ARGUMENTS, body: first });
  const given = isSchema(first) ? `a schema and ${kindOf(second)}` : kindOf(first);
  throw new AlcoveError('schema_invalid', `query takes a Standard Schema and a function, or a function alone, and got ${given}`);
}
