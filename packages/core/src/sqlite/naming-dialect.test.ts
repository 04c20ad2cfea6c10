import { and, asc, eq, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { expect, it } from 'vitest';
import { conditionText, queryOf, sessionlessDrizzle } from './built-query.ts';

/** Of two rooms of one app, or of a room before and after it changed. */
const ofTrip = sqliteTable('notes', { id: text().primaryKey(), body: text() });
const ofBoard = sqliteTable('notes', { id: text().primaryKey(), title: text(), stars: integer(), bodyText: text('body') });
const db = sessionlessDrizzle();

it('[DB-37] tables of one name keep the columns of their own, whichever was built first', () => {
  const textOf = (query: unknown): string => queryOf(query).sql;
  const board = db.select({ stars: ofBoard.stars }).from(ofBoard).where(eq(ofBoard.title, 'x')).orderBy(asc(ofBoard.stars));
  const trip = db.select().from(ofTrip).where(eq(ofTrip.body, 'x'));
  for (let round = 0; round < 2; round += 1) {
    expect(textOf(trip)).toBe('select "id", "body" from "notes" where "notes"."body" = ?');
    expect(textOf(board)).toBe('select "stars" from "notes" where "notes"."title" = ? order by "notes"."stars" asc');
    expect(textOf(sql`SELECT ${ofBoard.title}, ${ofBoard.bodyText} FROM ${ofBoard}`)).toBe(
      'SELECT "notes"."title", "notes"."body" FROM "notes"',
    );
    expect(conditionText(and(eq(ofBoard.stars, 3), eq(ofBoard.title, 'x'))).sql).toBe('("notes"."stars" = ? and "notes"."title" = ?)');
  }
});
