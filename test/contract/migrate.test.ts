import { withForeignKeysOff } from '@alcove/core/change/apply';
import { installCapture, removeCapture } from '@alcove/core/change/install-capture';
import { AlcoveError } from '@alcove/core/error';
import { roomDdl } from '@alcove/core/schema/ddl';
import { planMigration, runMigrationPlan, verifySchema } from '@alcove/core/schema/migrate';
import { parseMigrations } from '@alcove/core/schema/migrations';
import type { ColumnModel, RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { roomModelOf } from '@alcove/core/schema/room-model-of';
import { schemaIdOf } from '@alcove/core/schema/schema-id';
import type { Database } from '@alcove/core/sqlite/database';
import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { engines } from './engines.ts';

const none = { serverOnly: [], withoutRowid: [] };
const old = roomModelOf(
  {
    stops: sqliteTable('stops', { id: text().primaryKey(), city: text(), visits: integer().notNull() }, (table) => [
      index('named').on(table.city),
    ]),
  },
  none,
);

function create(database: Database, of: RoomModel): void {
  for (const statement of roomDdl(of, { serverOnly: true })) database.exec(statement);
  installCapture(database, of);
}

/** As a room does it. */
function migrate(database: Database, from: RoomModel, to: RoomModel, ...migrations: readonly { id: string; sql: string }[]): string {
  const plan = planMigration(from, to, parseMigrations(migrations));
  withForeignKeysOff(database, () => {
    removeCapture(database);
    runMigrationPlan(database, to, plan);
    installCapture(database, to);
  });
  return plan.kind;
}

function failureOf(run: () => unknown): AlcoveError {
  try {
    run();
  } catch (error) {
    if (error instanceof AlcoveError) return error;
    throw error;
  }
  throw new RangeError('nothing was thrown');
}

/** The old model with its one table altered. */
function altered(change: (table: TableModel) => Partial<TableModel>): RoomModel {
  const tables = old.tables.map((table) => (table.name === 'stops' ? { ...table, ...change(table) } : table));
  return { schemaId: schemaIdOf(tables), tables };
}
const withColumn = (name: string, more: Partial<ColumnModel>): RoomModel =>
  altered(({ columns }) => ({ columns: columns.map((column) => (column.name === name ? { ...column, ...more } : column)) }));
const withNewColumn = (more: Partial<ColumnModel>): RoomModel =>
  altered(({ columns }) => ({
    columns: [...columns, { name: 'note', type: 'text', notNull: false, defaultSql: null, generated: null, ...more }],
  }));
const reference = { columns: ['city'], foreignTable: 'stops', foreignColumns: ['id'], onDelete: null, onUpdate: null };

/** What cannot be derived, and how the message says it. */
const open: readonly (readonly [string, RoomModel, string])[] = [
  ['a table dropped', { ...old, tables: old.tables.slice(1) }, 'table stops is no longer defined'],
  ['a column dropped', altered(({ columns }) => ({ columns: columns.slice(0, 2) })), 'column visits is no longer defined'],
  ['a column renamed in case', withColumn('city', { name: 'City' }), 'column city is named City now'],
  ['another type', withColumn('city', { type: 'integer' }), 'column city was of type text and is of type integer'],
  ['another collation', withColumn('city', { type: 'text COLLATE NOCASE' }), 'is of type text COLLATE NOCASE'],
  ['NOT NULL', withColumn('city', { notNull: true }), 'column city may no longer be null'],
  ['no NOT NULL', withColumn('visits', { notNull: false }), 'column visits may be null now'],
  ['another default', withColumn('city', { defaultSql: `'x'` }), `column city had the default NULL and has 'x'`],
  ['another key', altered(() => ({ key: ['id', 'visits'] })), 'the primary key was (id) and is (id, visits)'],
  ['a check', altered(() => ({ checks: [{ name: 'c', sql: 'visits > 0' }] })), 'is new'],
  [
    'a reference of an old column',
    altered(() => ({ foreignKeys: [reference] })),
    'the foreign key (city) references "stops" ("id") is new',
  ],
  [
    'a reference of a new column with a default',
    altered(({ columns }) => ({
      columns: [...columns, { name: 'n', type: 'text', notNull: false, defaultSql: '1', generated: null }],
      foreignKeys: [{ ...reference, columns: ['n'] }],
    })),
    'default other than null',
  ],
  ['a new column without null', withNewColumn({ notNull: true }), 'column note is new, may not be null and has no default'],
  ['a new column with a computed default', withNewColumn({ defaultSql: '(1 + 1)' }), 'its default is not one constant'],
  ['a new stored column', withNewColumn({ generated: { sql: 'city', stored: true } }), 'generated STORED'],
  ['WITHOUT ROWID', altered(() => ({ withoutRowid: true })), 'WITHOUT ROWID was off and is on'],
  ['server-only', altered(() => ({ serverOnly: true })), 'it was replicated and is server-only'],
];

describe('planMigration', () => {
  it.each(open)('[SC-13] refuses %s, saying so and both ways on', (_name, model, part) => {
    const failure = failureOf(() => planMigration(old, model, []));
    expect(failure.code).toBe('schema_mismatch');
    expect(failure.message).toContain(part);
    expect(failure.message).toMatch(/write a migration.*or, while developing, start over: .* delete the room’s files/);
  });

  it('[SC-13] lists every difference, derivable ones too', () => {
    const changed = altered(({ columns }) => ({
      columns: [...columns.slice(0, 2), { name: 'note', type: 'text', notNull: false, defaultSql: null, generated: null }],
      indexes: [],
    }));
    const { message } = failureOf(() => planMigration(old, changed, []));
    expect(message.split('\n').slice(1, -1)).toEqual([
      '- table stops: column visits is no longer defined',
      '- table stops: column note is new (would be derived)',
      '- table stops: index named is no longer defined (would be derived)',
    ]);
  });

  it('[SC-12] plans nothing for the same tables in another order', () => {
    expect(
      planMigration(
        old,
        altered(({ columns }) => ({ columns: [...columns].reverse() })),
        [],
      ),
    ).toEqual({ kind: 'none' });
  });
});

describe.each(engines)('migrations on $name', (engine) => {
  it('[SC-12] derive new tables, columns and indexes, and keep every row', async () => {
    const database = await engine.open();
    create(database, old);
    database.exec(`INSERT INTO stops VALUES ('a', 'Rome', 1)`);
    const kinds = sqliteTable('kinds', { id: text().primaryKey(), title: text() }, (table) => [index('named').on(table.title)]);
    const secrets = sqliteTable('secrets', { id: text().primaryKey() });
    const stops = sqliteTable(
      'stops',
      {
        note: text(),
        id: text().primaryKey(),
        kind: text().references(() => kinds.id, { onDelete: 'set null' }),
        visits: integer().notNull(),
        likes: integer().notNull().default(5),
        city: text(),
        mark: text().unique(),
        loud: text().generatedAlwaysAs(sql`upper(city)`),
      },
      (table) => [index('stops_visits').on(table.visits)],
    );
    const model = roomModelOf({ stops, kinds, secrets }, { serverOnly: ['secrets'], withoutRowid: [] });
    expect(migrate(database, old, model)).toBe('additive');
    expect(database.prepare('SELECT id, city, visits, note, kind, likes, mark, loud FROM stops').all()).toEqual([
      ['a', 'Rome', 1, null, null, 5, null, 'ROME'],
    ]);
    expect(failureOf(() => database.exec(`UPDATE stops SET kind = 'nothing'`)).code).toBe('constraint_failed');
    const fresh = await engine.open();
    create(fresh, model);
    verifySchema(fresh, model);
    for (const opened of [database, fresh]) opened.close();
  });

  it('[SC-12] fail as a whole where rows do not fit a new unique index', async () => {
    const database = await engine.open();
    create(database, old);
    database.exec(`INSERT INTO stops VALUES ('a', 'Rome', 1), ('b', 'Rome', 1)`);
    const unique = altered(() => ({ uniques: [{ name: 'stops_city', columns: ['city'] }] }));
    expect(failureOf(() => migrate(database, old, unique)).code).toBe('migration_failed');
    verifySchema(database, old);
    database.close();
  });

  it('[SC-14] run the app’s migrations in order, then derive what they left open, then verify', async () => {
    const database = await engine.open();
    create(database, old);
    database.exec(`INSERT INTO stops VALUES ('a', 'Rome', 1)`);
    const model = roomModelOf(
      {
        stops: sqliteTable('stops', { id: text().primaryKey(), place: text().notNull(), note: text() }, (table) => [
          index('named').on(table.place),
        ]),
      },
      none,
    );
    const rebuilt = `PRAGMA foreign_keys=OFF;--> statement-breakpoint
      CREATE TABLE new_stops (id text PRIMARY KEY NOT NULL, place text NOT NULL);--> statement-breakpoint
      INSERT INTO new_stops SELECT id, city FROM stops;--> statement-breakpoint
      DROP TABLE stops;--> statement-breakpoint
      ALTER TABLE new_stops RENAME TO stops;`;
    const kind = migrate(database, old, model, { id: '1', sql: `UPDATE stops SET city = upper(city)` }, { id: '2', sql: rebuilt });
    expect(kind).toBe('migrations');
    expect(database.prepare('SELECT id, place, note FROM stops').all()).toEqual([['a', 'ROME', null]]);
    verifySchema(database, model);
    database.close();
  });

  it('[SC-14] that fail name the statement and leave everything as it was', async () => {
    const database = await engine.open();
    create(database, old);
    const failure = failureOf(() =>
      migrate(
        database,
        old,
        old,
        { id: 'first', sql: `INSERT INTO stops VALUES ('x', 'y', 1)` },
        { id: 'second', sql: 'ALTER TABLE nothing ADD COLUMN x' },
      ),
    );
    expect(failure).toMatchObject({ code: 'migration_failed', message: expect.stringContaining('"second" failed') });
    expect(failure.message).toContain('ALTER TABLE nothing');
    expect(database.prepare('SELECT count(*) FROM stops').all()).toEqual([[0]]);
    verifySchema(database, old);
    database.close();
  });

  it('[SC-14] that leave rows without their parent fail', async () => {
    const database = await engine.open();
    const model = altered(() => ({ foreignKeys: [reference] }));
    create(database, model);
    database.exec(`INSERT INTO stops VALUES ('a', NULL, 1), ('b', 'a', 1)`);
    expect(failureOf(() => migrate(database, model, model, { id: 'm', sql: `DELETE FROM stops WHERE id = 'a'` }))).toMatchObject({
      code: 'migration_failed',
      message: expect.stringContaining('1 rows break a foreign key'),
    });
    database.close();
  });

  it.each(open.filter(([name]) => name !== 'server-only'))('[SC-15] find %s in the file itself', async (_name, model, part) => {
    const database = await engine.open();
    create(database, old);
    const failure = failureOf(() => verifySchema(database, model));
    expect(failure.code).toBe('schema_mismatch');
    // SQLite gives the types it knows in upper case.
    expect(failure.message.toLowerCase()).toContain(part.toLowerCase());
    database.close();
  });

  it.each([
    ['CREATE TABLE more (id text PRIMARY KEY)', 'table more is no longer defined'],
    ['CREATE INDEX more ON stops (visits)', 'index more is no longer defined'],
    ['CREATE TRIGGER more AFTER INSERT ON stops BEGIN DELETE FROM stops; END', 'trigger more stands on a replicated table'],
    ['DROP TABLE stops; CREATE TABLE stops (id integer PRIMARY KEY AUTOINCREMENT)', 'column id is AUTOINCREMENT'],
    [
      'DROP TABLE stops; CREATE TABLE stops (id text PRIMARY KEY NOT NULL, city text, visits integer NOT NULL) STRICT',
      'the table is STRICT',
    ],
    [
      'DROP TABLE stops; CREATE TABLE stops (id text PRIMARY KEY NOT NULL, city text UNIQUE, visits integer NOT NULL)',
      'UNIQUE ("city") inside the table',
    ],
    ['DROP TABLE stops; CREATE TABLE stops (id text PRIMARY KEY, city text, visits integer NOT NULL)', 'column id may no longer be null'],
    ['DROP TABLE alcove_values', 'table alcove_values is new'],
  ])('[SC-15] find what %s did', async (statements, part) => {
    const database = await engine.open();
    create(database, old);
    database.setForeignKeys(false);
    database.exec(statements);
    expect(failureOf(() => verifySchema(database, old)).message).toContain(part);
    database.close();
  });
});
