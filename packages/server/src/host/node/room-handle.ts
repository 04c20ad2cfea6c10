import type { AnyRoom, MutatorArgs, MutatorName } from '@alcove/core/schema/define-room';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { RowOf } from '@alcove/core/sqlite/built-query';
import type { SyncDrizzle } from '@alcove/core/sqlite/drizzle';
import { type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import type { SQL } from 'drizzle-orm';
import type { RoutedAnswer } from '../../read/read-route.ts';
import { createServerSql, type OwnRead, type ServerSql } from './server-sql.ts';

/** How a call of the server's own code is made. */
export interface ServerMutateOptions {
  /** `ctx.user` of the run; null by default. */
  readonly user?: Claims;
  /**
   * Makes the call take effect at most once, however often it is made, across restarts. A webhook's delivery id fits. The room remembers a key for 30 days after
   * the last call under it, 100,000 of them at a time (`limits.idempotencyKeyRetentionMs`, `limits.idempotencyKeysMax`), whatever clients there are.
   */
  readonly idempotencyKey?: string;
}

const MUTATE_OPTIONS: KeysOf<ServerMutateOptions> = { user: true, idempotencyKey: true };

/** What such a call resolves with. */
export interface ServerMutation {
  /** The version that holds the effect; it is durable. */
  readonly version: number;
}

type MutateArguments<Args> = undefined extends Args
  ? [args?: Args, options?: ServerMutateOptions]
  : [args: Args, options?: ServerMutateOptions];

/** A room as the server's own code uses it: jobs, webhooks, tests. It is opened when it is used, and made where it is missing. */
export interface RoomHandle<Room extends AnyRoom> {
  /** Name of the definition, and id. */
  readonly name: Room['name'];
  readonly id: string;
  /** Mutators by name. Each resolves when its version is durable, and rejects with the code of its rejection. Neither rights nor rules are asked: this code is the server's. */
  readonly mutate: {
    readonly [Name in MutatorName<Room>]: (...args: MutateArguments<MutatorArgs<Room, Name>>) => Promise<ServerMutation>;
  };
  /**
   * Rows of a select, as of the last commit; all there are: no rule is asked, hidden and server-only ones are among them, so look at what you pass on. Runs in the process that writes the room and holds it up meanwhile: for short queries by code you trust.
   * @throws AlcoveError `query_invalid`, `sql_failed`
   */
  query<Query>(build: (db: SyncDrizzle) => Query): Promise<RowOf<Query>[]>;
  /** The same for sql`…`. */
  query<Row>(query: SQL<Row>): Promise<RowOf<SQL<Row>>[]>;
  /** Reads on the room's replicas, off the process that writes it; with the queries of the definition by name. */
  readonly sql: ServerSql<Room>;
}

/** What a handle does, whatever the types are. */
export interface HandlePorts {
  mutate(name: string, args: unknown, options: ServerMutateOptions): Promise<ServerMutation>;
  query(build: unknown): Promise<unknown[]>;
  sql(read: OwnRead): Promise<RoutedAnswer>;
}

export const createRoomHandle = <Room extends AnyRoom>(definition: Room, id: string, ports: HandlePorts): RoomHandle<Room> => {
  const call =
    (name: string) =>
    async (args?: unknown, options: ServerMutateOptions = {}): Promise<ServerMutation> => {
      refuseUnknownKeys('option_invalid', `mutate.${name}`, options, MUTATE_OPTIONS);
      return ports.mutate(name, args, options);
    };
  const mutate = Object.fromEntries(Object.keys(definition.mutators).map((name) => [name, call(name)]));
  const sql = createServerSql(definition, ports.sql);
  const handle = { name: definition.name, id, mutate: Object.freeze(mutate), query: ports.query, sql };
  // Both sides were made from the same definition: the mutators' names and types are the type's.
  return Object.freeze(handle) as unknown as RoomHandle<Room>;
};
