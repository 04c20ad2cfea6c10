import { defineRoom } from '@alcove/core/schema/define-room';
import { mutator } from '@alcove/core/schema/define-mutator';
import { query } from '@alcove/core/schema/define-query';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

export const entries = sqliteTable('entries', { id: text().primaryKey(), n: integer().notNull() });

export interface Sums {
  readonly entries: number;
  readonly sum: number;
}

/** A room whose content follows from its version: each commit of the tests adds one entry. */
export const ledgerRoom = defineRoom({
  name: 'ledger',
  schema: { entries },
  mutators: {
    add: mutator(v.object({ id: v.string(), n: v.number() }), (tx, entry) => {
      tx.insert(entries).values(entry).run();
    }),
  },
  queries: {
    sums: query(() => sql<Sums>`SELECT count(*)::int AS entries, coalesce(sum(n), 0)::float8 AS sum FROM entries`, { dialect: 'postgres' }),
  },
});

/** Small, and different for any two versions. */
export const sums = sql<Sums>`SELECT count(*) AS entries, total(n) AS sum FROM ${entries}`;

export const FOLLOWER_TOKEN = 'a-follower-token-of-these-tests';
export const ADMIN_TOKEN = 'an-admin-token-of-these-tests';
