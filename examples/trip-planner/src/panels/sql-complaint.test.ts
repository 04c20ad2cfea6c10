import { AlcoveError } from '@alcove/core';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database } from '@alcove/core/sqlite/database';
import { queryOf } from '@alcove/core/sqlite/built-query';
import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { engines } from '../../../../test/contract/engines.ts';
import { trip } from '../../room.ts';
import { complaintOf, type SqlComplaint } from './sql-complaint.ts';
import { sqlTables } from './sql-tables.ts';

let database: Database;

beforeEach(async () => {
  const engine = engines.find((one) => one.name === 'sqljs');
  if (engine === undefined) throw new Error('there is no sql.js');
  database = await engine.open();
  for (const statement of roomDdl(trip.model, { serverOnly: false })) database.exec(statement);
  return () => database.close();
});

const tables = sqlTables(trip.model);

/** What the panel says of a text that the replica refuses, as it comes from SQLite itself. */
function complaint(text: string): SqlComplaint & { readonly at: string | null } {
  try {
    queryOf(sql.raw(text));
    database.prepare(`EXPLAIN ${text}`).all([]);
  } catch (error) {
    const said = complaintOf(AlcoveError.from(error), { text, tables });
    return { ...said, at: said.place === null ? null : text.slice(said.place.from, said.place.to) };
  }
  throw new Error(`nothing is wrong with ${text}`);
}

describe('complaintOf', () => {
  it('names an unknown table, marks it, offers one that is like it and the list of all', () => {
    expect(complaint('select * from citties')).toMatchObject({
      message: 'There is no table “citties”.',
      hint: 'Is “cities” meant?',
      at: 'citties',
      listTables: true,
    });
    expect(complaint('select * from nowhere')).toMatchObject({ hint: null, at: 'nowhere', listTables: true });
  });

  it('tells of a table that only the room has as of any other', () => {
    expect(complaint('select * from closed_places').message).toBe('There is no table “closed_places”.');
  });

  it('names an unknown column, also under its table', () => {
    expect(complaint('select populaton from cities')).toMatchObject({
      message: 'There is no column “populaton”.',
      hint: 'Is “population” meant?',
      at: 'populaton',
    });
    expect(complaint('select c.nme from cities c')).toMatchObject({
      message: 'There is no column “c.nme”.',
      at: 'c.nme',
      hint: 'Is “name” meant?',
    });
  });

  it('marks the place only where it is certain', () => {
    expect(complaint('select sizes, sizes from cities')).toMatchObject({ message: 'There is no column “sizes”.', at: null });
    expect(complaint("select 'sizes', sizes from cities").at).toBe('sizes');
  });

  it.each([
    ['select * fro cities', 'SQLite cannot read on at “fro”.', 'fro'],
    ['select', 'The query stops in the middle.', ''],
    ["select 'abc", 'A quotation mark is opened here and never closed.', "'abc"],
    ['select @name', 'There is nothing to put in for “@name”.', '@name'],
    ['select ?', 'There is nothing to put in for “?”.', '?'],
    ['select nosuch(1)', 'SQLite has no function “nosuch”.', 'nosuch'],
    ['select upper()', '“upper” takes another number of values.', 'upper'],
    ['select name from cities where count(*) > 1', '“count” adds up several rows and cannot stand here.', 'count'],
    ['select id from cities, stops', 'More than one table here has a column “id”.', 'id'],
    ['select *', 'It is not said which table to read.', null],
    ['select 1; select 2', 'These are 2 queries.', null],
    ['-- nothing', 'There is no query in this text.', null],
    ['delete from stops', '“delete” would change the trip.', 'delete'],
    ['with a as (select 1) update stops set nights = 1', '“update” would change the trip.', 'update'],
    ['begin', '“begin” is not for queries.', 'begin'],
    ['pragma user_version', 'A query begins with “select”, “with” or “values”, not with “pragma”.', 'pragma'],
  ])('%s', (text, message, at) => {
    expect(complaint(text)).toMatchObject({ message, at });
  });

  it('never shows the words of the library', () => {
    for (const text of [
      'select nothing from nowhere',
      'select * fro cities',
      'delete from stops',
      'select 1; select 2',
      'select json(1',
      'selec 1',
    ])
      expect(JSON.stringify(complaint(text))).not.toMatch(/in: |EXPLAIN|builder|mutator|prepare/i);
  });

  it('says what is not known of in SQLite’s words, as a sentence', () => {
    const asked = { text: 'select json(1)', tables };
    expect(complaintOf({ code: 'sql_failed', message: 'malformed JSON (in: select json(1))' }, asked)).toEqual({
      message: 'Malformed JSON.',
      hint: null,
      place: null,
      listTables: false,
    });
  });

  it('tells a query that was ended from one whose result is too large', () => {
    const asked = { text: 'select 1', tables };
    expect(complaintOf({ code: 'query_timeout', message: 'the query was ended: …' }, asked).message).toContain('was ended');
    expect(complaintOf({ code: 'result_too_large', message: '200000 rows' }, asked).hint).toContain('limit');
  });
});
