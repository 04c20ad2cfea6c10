import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { Row } from '@alcove/core/sqlite/database';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from './open-database.ts';
import { runSeedJob } from './run-seed-job.ts';

const cities = sqliteTable('cities', {
  id: integer().primaryKey(),
  name: text().notNull(),
  size: integer().notNull().default(7),
  country: text(),
});
const stops = sqliteTable('stops', {
  id: text().primaryKey(),
  city: integer()
    .notNull()
    .references(() => cities.id),
});
const { model } = defineRoom({ name: 'trip', schema: { cities, stops } });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "alcove-seed'-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const source = (sql: string): string => {
  const path = join(directory, 'source.sqlite');
  const database = openDatabase(path);
  database.exec(sql);
  database.close();
  return path;
};
const run = (sourcePath: string) => runSeedJob({ kind: 'seed', sourcePath, templatePath: join(directory, 'template.sqlite'), model });
const rowsOf = (sql: string): Row[] => {
  const database = openDatabase(join(directory, 'template.sqlite'));
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
};

describe('runSeedJob', () => {
  it('[HO-17] takes the rows of the tables that the room has, into the room’s own schema', async () => {
    const path = source("CREATE TABLE cities (name, id, country); INSERT INTO cities VALUES ('Kyoto', 1, 'JP'), ('Oslo', 2, NULL)");
    expect(await run(path)).toMatchObject({ rows: 2 });
    expect(rowsOf('SELECT * FROM cities ORDER BY id')).toEqual([
      [1, 'Kyoto', 7, 'JP'],
      [2, 'Oslo', 7, null],
    ]);
    const made = rowsOf("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").flat();
    expect(made).toEqual(['alcove_values', 'cities', 'stops']);
  });

  it.each([
    ['nothing', '', /it has no tables/],
    ['a table the room does not have', 'CREATE TABLE cities (id, name); CREATE TABLE other (a)', /tables that the room does not: other/],
    ['a column the room does not have', 'CREATE TABLE cities (id, name, area)', /columns that the room’s does not: area/],
    ['a column that is missing', 'CREATE TABLE cities (id, country)', /cities lacks columns: name/],
    ['a missing key', 'CREATE TABLE cities (name)', /cities lacks columns: id/],
    ['a value the schema refuses', 'CREATE TABLE cities (id, name); INSERT INTO cities VALUES (1, NULL)', /NOT NULL/],
    ['a reference to nothing', "CREATE TABLE stops (id, city); INSERT INTO stops VALUES ('a', 9)", /stops refer to rows of cities/],
  ])('[HO-17] refuses %s, and leaves nothing', async (_what, sql, message) => {
    await expect(run(source(sql))).rejects.toMatchObject({ code: 'schema_mismatch', message: expect.stringMatching(message) });
    expect(existsSync(join(directory, 'template.sqlite'))).toBe(false);
  });

  it('[HO-17] refuses a file that is none, damaged or no database', async () => {
    await expect(run(join(directory, 'none'))).rejects.toMatchObject({ code: 'option_invalid' });
    expect(existsSync(join(directory, 'none'))).toBe(false);
    const path = join(directory, 'text');
    writeFileSync(path, 'not a database '.repeat(1000));
    await expect(run(path)).rejects.toMatchObject({ code: 'file_damaged', message: expect.stringContaining(path) });
  });
});
