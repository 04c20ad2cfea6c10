import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import { AlcoveError } from '../error.ts';
import { kindOf, type KeysOf, refuseUnknownKeys } from '../unknown-keys.ts';
import { noArguments } from './no-arguments.ts';

const NO_ARGUMENTS = noArguments('mutator');

/** What `authenticate` said of the user: the JWT's claims or whatever the app returns. `sub` names the subject where there is one. */
export type Claims = { readonly sub?: string; readonly [claim: string]: unknown };

/** The synchronous Drizzle database a mutator writes through; the same on every engine. */
export type MutatorTx = BaseSQLiteDatabase<'sync', { changes: number }, Record<string, never>>;

/** What a mutator may know beyond its arguments. The same in the tab's run and in the room's, unless said otherwise. */
export interface MutatorContext {
  /** The page's wall clock at the call, in ms. For display; never for rights or order. */
  readonly now: number;
  /** The room's wall clock in ms; in a tab's optimistic run undefined. */
  readonly serverNow: number | undefined;
  /** Uniform in [0, 1), the same sequence in both runs. */
  random(): number;
  /** A fresh id (22 characters of base64url), the same sequence in both runs. */
  id(): string;
  /** Claims of the user, null where nobody was authenticated. A tab knows what welcome told it. */
  readonly user: Claims | null;
  /** True in the room, whose run decides; false in a tab. */
  readonly isServer: boolean;
  /** Page load that called it; `$server:…` for calls of the server itself. With `mutationId` it names the mutation. */
  readonly clientId: string;
  /** 1, 2, 3 … within its client. */
  readonly mutationId: number;
  /** Runs `effect` in the room after the commit is durable, at most once: a crash in between skips it. Never runs in a tab. */
  afterCommit(effect: () => void | Promise<void>): void;
}

/** Runs in the tab and again in the room. Synchronous: see `mutator`. Without a validator `args` is undefined. */
export type MutatorBody<Args> = (tx: MutatorTx, args: Args, ctx: MutatorContext) => void;

/** What is known of a mutator beyond its body. */
export interface MutatorOptions {
  /**
   * Running it twice with the same arguments, however much later, leaves the room as running it once (an upsert, a set to a value; no insert of `ctx.id()`, no addition). Where the room has
   * forgotten the page load that called it, such a mutation is issued again by itself; all others are told as `unknown`. Default false.
   */
  readonly idempotent?: boolean;
}

const MUTATOR_OPTIONS: KeysOf<MutatorOptions> = { idempotent: true };

export interface MutatorDefinition<Input = never, Output = never> {
  readonly kind: 'mutator';
  readonly schema: StandardSchemaV1<Input, Output>;
  readonly body: MutatorBody<Output>;
  /** See MutatorOptions. */
  readonly idempotent: boolean;
}

/** What every MutatorDefinition is assignable to; its body takes what its own schema gives. */
export interface AnyMutator {
  readonly kind: 'mutator';
  readonly schema: StandardSchemaV1<unknown, unknown>;
  readonly body: MutatorBody<never>;
  /** Absent: false. */
  readonly idempotent?: boolean;
}

/** Turns a body that returns a promise, or a Drizzle builder that was not run, into a type error that says why. */
export type SynchronousOnly<Result> = 0 extends 1 & Result
  ? unknown // any: what it is shows when it runs
  : [Extract<Result, PromiseLike<unknown>>] extends [never]
    ? unknown
    : { readonly mutatorsAreSynchronous: 'Return nothing; end every builder with .run(), .all() or .get().' };

type Input<Schema extends StandardSchemaV1> = StandardSchemaV1.InferInput<Schema>;
type Output<Schema extends StandardSchemaV1> = StandardSchemaV1.InferOutput<Schema>;

/**
 * Declares a mutator: the only way an app writes. `schema` is any Standard Schema that validates synchronously; it parses the raw input on each side.
 * The body runs in the tab at once, again on every rebase, and in the room, whose run decides: all it may depend on is `tx`, `args` and `ctx`.
 */
export function mutator<Schema extends StandardSchemaV1, Result>(
  schema: Schema,
  body: ((tx: MutatorTx, args: Output<Schema>, ctx: MutatorContext) => Result) & SynchronousOnly<Result>,
  options?: MutatorOptions,
): MutatorDefinition<Input<Schema>, Output<Schema>>;
export function mutator<Result>(
  body: ((tx: MutatorTx, args: undefined, ctx: MutatorContext) => Result) & SynchronousOnly<Result>,
  options?: MutatorOptions,
): MutatorDefinition<undefined, undefined>;
export function mutator(
  first: StandardSchemaV1 | MutatorBody<undefined>,
  second?: MutatorBody<unknown> | MutatorOptions,
  third?: MutatorOptions,
): MutatorDefinition<unknown, unknown> | MutatorDefinition<undefined, undefined> {
  if (typeof second === 'function' && isSchema(first))
    return Object.freeze({ kind: 'mutator', schema: first, body: second, idempotent: isIdempotent(third) });
  if (typeof second !== 'function' && typeof first === 'function' && !isSchema(first))
    return Object.freeze({ kind: 'mutator', schema: NO_ARGUMENTS, body: first, idempotent: isIdempotent(second) });
  const given = isSchema(first) ? `a schema and ${kindOf(second)}` : kindOf(first);
  throw new AlcoveError('schema_invalid', `mutator takes a Standard Schema and a function, or a function alone, and got ${given}`);
}

function isIdempotent(options: MutatorOptions | undefined): boolean {
  if (options !== undefined) refuseUnknownKeys('schema_invalid', 'mutator', options, MUTATOR_OPTIONS);
  return options?.idempotent === true;
}

/** A schema may be a function itself. */
export const isSchema = (value: unknown): value is StandardSchemaV1 =>
  (typeof value === 'function' || (typeof value === 'object' && value !== null)) && '~standard' in value;
