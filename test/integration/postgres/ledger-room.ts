import { defineRoom, mutator, value } from '@alcove/core';
import { eq, sql } from 'drizzle-orm';
import { blob, integer, numeric, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

/** Every type of column, generated ones among them, and values that rows hold once only. */
export const items = sqliteTable('items', {
  id: text().primaryKey(),
  n: integer(),
  r: real(),
  raw: blob({ mode: 'buffer' }),
  any: numeric(),
  label: text().unique(),
  doubled: integer().generatedAlwaysAs(sql`n * 2`, { mode: 'stored' }),
  shout: text().generatedAlwaysAs(sql`upper(label)`, { mode: 'virtual' }),
});
/** A key of two columns, one of which takes two spellings for one. */
export const pairs = sqliteTable('Pairs "x"', { a: text().notNull(), b: integer().notNull(), note: text() }, ({ a, b }) => [
  primaryKey({ columns: [b, a] }),
]);
/** Nothing but a key. */
export const bare = sqliteTable('bare', { key: blob({ mode: 'buffer' }).primaryKey().notNull() });
export const secrets = sqliteTable('secrets', { id: text().primaryKey(), word: text() });

const cell = v.union([v.null(), v.number(), v.string()]);
const op = v.variant('do', [
  v.object({
    do: v.literal('put'),
    id: v.string(),
    n: v.nullable(v.number()),
    r: v.nullable(v.number()),
    raw: v.nullable(v.string()),
    any: cell,
    label: v.nullable(v.string()),
  }),
  v.object({ do: v.literal('swap'), one: v.string(), other: v.string() }),
  v.object({ do: v.literal('rekey'), id: v.string(), to: v.string() }),
  v.object({ do: v.literal('remove'), id: v.string() }),
  v.object({ do: v.literal('pair'), a: v.string(), b: v.number(), note: v.nullable(v.string()) }),
  v.object({ do: v.literal('unpair'), b: v.number() }),
  v.object({ do: v.literal('bare'), key: v.string(), there: v.boolean() }),
  v.object({ do: v.literal('secret'), id: v.string(), word: v.string() }),
]);
export type LedgerOp = v.InferOutput<typeof op>;

export const ledger = defineRoom({
  name: 'ledger',
  schema: { items, pairs, bare, secrets },
  serverOnly: ['secrets'],
  mutators: {
    run: mutator(v.array(op), (tx, ops) => {
      for (const one of ops) {
        if (one.do === 'put') {
          const { id, n, r, any, label } = one;
          const raw = one.raw === null ? null : Buffer.from(one.raw);
          tx.run(sql`DELETE FROM items WHERE label = ${label} AND id <> ${id}`);
          tx.run(
            sql`INSERT INTO items (id, n, r, raw, "any", label) VALUES (${id}, ${n}, ${r}, ${raw}, ${any}, ${label})
              ON CONFLICT (id) DO UPDATE SET n = excluded.n, r = excluded.r, raw = excluded.raw, "any" = excluded."any", label = excluded.label`,
          );
        } else if (one.do === 'swap') {
          const [a] = tx.select().from(items).where(eq(items.id, one.one)).all();
          const [b] = tx.select().from(items).where(eq(items.id, one.other)).all();
          if (a === undefined || b === undefined || a.id === b.id) continue;
          tx.update(items).set({ label: null }).where(eq(items.id, a.id)).run();
          tx.update(items).set({ label: a.label }).where(eq(items.id, b.id)).run();
          tx.update(items).set({ label: b.label }).where(eq(items.id, a.id)).run();
        } else if (one.do === 'rekey') tx.run(sql`UPDATE OR REPLACE items SET id = ${one.to} WHERE id = ${one.id}`);
        else if (one.do === 'remove') tx.delete(items).where(eq(items.id, one.id)).run();
        else if (one.do === 'pair')
          tx.insert(pairs)
            .values(one)
            .onConflictDoUpdate({ target: [pairs.b, pairs.a], set: { note: one.note } })
            .run();
        else if (one.do === 'unpair') tx.delete(pairs).where(eq(pairs.b, one.b)).run();
        else if (one.do === 'secret') tx.run(sql`INSERT OR REPLACE INTO secrets VALUES (${one.id}, ${one.word})`);
        else if (one.there)
          tx.insert(bare)
            .values({ key: Buffer.from(one.key) })
            .onConflictDoNothing()
            .run();
        else
          tx.delete(bare)
            .where(eq(bare.key, Buffer.from(one.key)))
            .run();
      }
    }),
  },
  values: { budget: value(v.number(), { intervalMs: 50 }) },
});

/** A row of `items`. */
export const put = (id: string, more: Partial<Extract<LedgerOp, { do: 'put' }>> = {}): LedgerOp => ({
  do: 'put',
  id,
  n: null,
  r: null,
  raw: null,
  any: null,
  label: null,
  ...more,
});
