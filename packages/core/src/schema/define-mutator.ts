import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';

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
  readonly isServer: boolean;
  readonly clientId: string;
  readonly mutationId: number;
  /** Runs `effect` in the room after the commit is durable, at most once: a crash in between skips it. Never runs in a tab. */
  afterCommit(effect: () => void | Promise<void>): void;
}

/** `void` and nothing thenable: an async mutator does not type-check. */
export type MutatorBody<Args> = (tx: MutatorTx, args: Args, ctx: MutatorContext) => void;

export interface MutatorDefinition<Input = never, Output = never> {
  readonly kind: 'mutator';
  readonly schema: StandardSchemaV1<Input, Output>;
  readonly body: MutatorBody<Output>;
}
