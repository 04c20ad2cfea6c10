import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { expect, it } from 'vitest';
import { postgresQueryOf } from './postgres-query.ts';

it('[DB-37] tables of one name keep the columns of their own in PostgreSQL’s dialect, too', () => {
  const ofTrip = sqliteTable('notes', { id: text().primaryKey(), body: text() });
  const ofBoard = sqliteTable('notes', { id: text().primaryKey(), stars: integer() });
  expect(postgresQueryOf(sql`SELECT ${ofTrip.body} FROM ${ofTrip} WHERE ${ofTrip.id} = ${'a'}`)).toEqual({
    sql: 'SELECT "notes"."body" FROM "notes" WHERE "notes"."id" = $1',
    params: ['a'],
  });
  expect(postgresQueryOf(sql`SELECT ${ofBoard.stars} FROM ${ofBoard}`).sql).toBe('SELECT "notes"."stars" FROM "notes"');
});
