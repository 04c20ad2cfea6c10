import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import { eq, sql } from 'drizzle-orm';
import { blob, index, integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

export const stops = sqliteTable('stops', {
  id: text().primaryKey(),
  city: text().notNull(),
  nights: integer(),
  price: real(),
  photo: blob({ mode: 'buffer' }),
});

/** With an index on what is hidden and none on what the rule asks for: SQLite likes to look there first. */
export const notes = sqliteTable(
  'notes',
  {
    id: text().primaryKey(),
    owner: text().notNull(),
    body: text().notNull(),
    secret: text(),
    shout: text().generatedAlwaysAs(sql`upper(coalesce(secret, 'none'))`, { mode: 'virtual' }),
  },
  (table) => [index('notes_body').on(table.body)],
);
export const audit = sqliteTable('audit', { id: integer().primaryKey(), line: text().notNull() });

const note = v.object({ id: v.string(), owner: v.string(), body: v.string(), secret: v.nullable(v.string()) });
const stop = v.object({
  id: v.string(),
  city: v.string(),
  nights: v.optional(v.number()),
  price: v.optional(v.number()),
  photo: v.optional(v.array(v.number())),
});

/** The room that replicas are tried on: rows that rules hide, columns that they hide, a table that stays on the server. */
export const readRoom = defineRoom({
  name: 'read',
  schema: { stops, notes, audit },
  serverOnly: ['audit'],
  rules: {
    notes: {
      visibleTo: (row, claims) => (claims['all'] === true ? true : eq(row.owner, String(claims.sub))),
      hiddenFrom: { secret: (row, claims) => (claims['all'] === true ? false : sql`${row.body} <> ${'open'}`) },
    },
  },
  mutators: {
    putStop: mutator(stop, (tx, { photo, ...row }) => {
      tx.insert(stops)
        .values({ ...row, ...(photo === undefined ? {} : { photo: Uint8Array.from(photo) as Buffer }) }) // Drizzle's type; any bytes do
        .run();
    }),
    putStops: mutator(v.object({ prefix: v.string(), count: v.number() }), (tx, { prefix, count }) => {
      for (let at = 0; at < count; at += 1)
        tx.insert(stops)
          .values({ id: `${prefix}${String(at).padStart(5, '0')}`, city: `city ${at}`, nights: at })
          .run();
    }),
    putNote: mutator(note, (tx, row) => {
      tx.insert(notes).values(row).run();
    }),
    putAudit: mutator(v.object({ line: v.string() }), (tx, { line }) => {
      tx.insert(audit).values({ line }).run();
    }),
  },
});
