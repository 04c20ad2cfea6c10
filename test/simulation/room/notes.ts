import { mutator } from '@alcove/core';
import { eq, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

/** Rows that not everybody may see. Their keys and texts are canaries: each is a text that stands nowhere else. A slot is taken by one note at a time, so REPLACE may delete one that nobody sees. */
export const notes = sqliteTable('notes', {
  id: text().primaryKey(),
  slot: text().notNull().unique(),
  team: text().notNull(),
  level: integer().notNull(),
  owner: text().notNull(),
  body: text().notNull(),
  secret: text(),
});

/** As it stands in the table. */
export interface Note {
  readonly id: string;
  readonly slot: string;
  readonly team: string;
  readonly level: number;
  readonly owner: string;
  readonly body: string;
  readonly secret: string | null;
}

/** What is found of a note wherever it goes: its key, its text, its secret. */
export const CANARY = /canary-\d+-(?:key|body|secret)/g;
export const canary = (count: number, what: 'key' | 'body' | 'secret'): string => `canary-${count}-${what}`;

const short = v.pipe(v.string(), v.maxLength(60));
const level = v.pipe(v.number(), v.integer());
const note = v.object({ id: short, slot: short, team: short, level, body: short, secret: v.nullable(short) });
const nobody = 'nobody';

export const noteMutators = {
  writeNote: mutator(note, (tx, row, ctx) => {
    tx.insert(notes)
      .values({ ...row, owner: ctx.user?.sub ?? nobody })
      .run();
  }),
  /** Whoever had the slot before is gone. */
  takeSlot: mutator(note, (tx, row, ctx) => {
    tx.run(sql`insert or replace into ${notes} (id, slot, team, level, owner, body, secret)
      values (${row.id}, ${row.slot}, ${row.team}, ${row.level}, ${ctx.user?.sub ?? nobody}, ${row.body}, ${row.secret})`);
  }),
  /** Others see it from now on, and some do not any more. */
  moveNote: mutator(v.object({ slot: short, team: short, level }), (tx, { slot, ...to }) => {
    tx.update(notes).set(to).where(eq(notes.slot, slot)).run();
  }),
  editNote: mutator(v.object({ slot: short, body: short, secret: v.nullable(short) }), (tx, { slot, ...to }) => {
    tx.update(notes).set(to).where(eq(notes.slot, slot)).run();
  }),
  /** Moved and edited at once: who sees it now must not see what stood there before. */
  handNote: mutator(v.object({ slot: short, team: short, level, body: short }), (tx, { slot, ...to }) => {
    tx.update(notes).set(to).where(eq(notes.slot, slot)).run();
  }),
  renameNote: mutator(v.object({ slot: short, id: short }), (tx, { slot, id }) => {
    tx.update(notes).set({ id }).where(eq(notes.slot, slot)).run();
  }),
  giveNotes: mutator(v.object({ from: short, to: short }), (tx, { from, to }) => {
    tx.update(notes).set({ team: to }).where(eq(notes.team, from)).run();
  }),
  dropNote: mutator(v.object({ slot: short }), (tx, { slot }) => {
    tx.delete(notes).where(eq(notes.slot, slot)).run();
  }),
};
