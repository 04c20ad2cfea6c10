import { roomDdl } from '@alcove/core/schema/ddl';
import { planMigration, verifySchema } from '@alcove/core/schema/migrate';
import { roomModelOf } from '@alcove/core/schema/room-model-of';
import type { RoomModel } from '@alcove/core/schema/room-model';
import { AlcoveError } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { sql } from 'drizzle-orm';
import { check, customType, index, integer, primaryKey, real, sqliteTable, text, unique, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { engines } from './engines.ts';

const folded = customType<{ data: string }>({ dataType: () => 'text COLLATE NOCASE' });
const secrets = sqliteTable('secrets', { id: text().primaryKey(), hint: text() });
const teams = sqliteTable('teams', { id: integer().primaryKey(), name: folded().notNull().unique() });
const people = sqliteTable(
  'people',
  {
    team: integer()
      .notNull()
      .references(() => teams.id, { onDelete: 'cascade' }),
    'na"me': text().notNull(),
    secret: text().references(() => secrets.id, { onDelete: 'set null' }),
    score: real().default(1.5),
    active: integer({ mode: 'boolean' }).notNull().default(true),
    initial: text().generatedAlwaysAs(sql`substr("na""me", 1, 1)`, { mode: 'stored' }),
    loud: text().generatedAlwaysAs(sql`upper("na""me")`),
  },
  (table) => [
    primaryKey({ columns: [table.team, table['na"me']] }),
    unique().on(table.score, table.active),
    uniqueIndex('people_lower').on(sql`lower(${table['na"me']})`),
    index('people_active').on(table.active).where(sql`${table.active} = 1`),
    check('people_score', sql`${table.score} >= 0 AND people.score < 10`),
  ],
);
const schema = { secrets, teams, people };
const options = { serverOnly: ['secrets'], withoutRowid: ['people'] };
const model = roomModelOf(schema, options);

function create(database: Database, of: RoomModel): void {
  for (const statement of roomDdl(of, { serverOnly: true })) database.exec(statement);
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

describe.each(engines)('schemas on $name', (engine) => {
  it('[SC-8] make the tables that the definition says, and are found again in them', async () => {
    const database = await engine.open();
    create(database, model);
    verifySchema(database, model);
    database.exec(`INSERT INTO teams VALUES (1, 'Red'); INSERT INTO people (team, "na""me") VALUES (1, 'anna')`);
    expect(database.prepare(`SELECT score, active, initial, loud FROM people`).all()).toEqual([[1.5, 1, 'a', 'ANNA']]);
    for (const statement of [
      `INSERT INTO teams VALUES (2, 'RED')`,
      `INSERT INTO people (team, "na""me", score) VALUES (1, 'ANNA', 2)`,
      `INSERT INTO people (team, "na""me", score) VALUES (1, 'bert', 11)`,
      `INSERT INTO people (team, "na""me", score) VALUES (9, 'bert', 2)`,
    ]) {
      expect(failureOf(() => database.prepare(statement).run()).code).toBe('constraint_failed');
    }
    database.close();
  });

  it('[SC-8] leave server-only tables and references to them out of replicas', async () => {
    const database = await engine.open();
    for (const statement of roomDdl(model, { serverOnly: false })) database.exec(statement);
    expect(database.prepare(`SELECT name FROM sqlite_schema WHERE name = 'secrets'`).all()).toEqual([]);
    database.exec(`INSERT INTO teams VALUES (1, 'Red'); INSERT INTO people (team, "na""me", secret) VALUES (1, 'anna', 'unknown here')`);
    database.close();
  });

  it('[SC-15] take what another hand wrote for the same tables, in another order', async () => {
    const database = await engine.open();
    create(database, roomModelOf({ secrets }, { serverOnly: ['secrets'], withoutRowid: [] }));
    database.exec(`
      CREATE TABLE \`teams\` (\`name\` TEXT COLLATE nocase NOT NULL, \`id\` INTEGER PRIMARY KEY NOT NULL);
      CREATE UNIQUE INDEX \`teams_name_unique\` ON \`teams\` (\`name\`);
      CREATE TABLE people (
        score REAL DEFAULT (1.5) CHECK (score>=0 and score < 10), active INTEGER NOT NULL DEFAULT true, -- CHECK (nothing)
        [na"me] text NOT NULL,
        loud text AS (upper([na"me])),
        initial text GENERATED ALWAYS AS (substr([na"me], 1, 1)) STORED,
        secret text REFERENCES secrets ON DELETE SET NULL, team INTEGER NOT NULL,
        UNIQUE (active, score),
        FOREIGN KEY (team) REFERENCES teams (id) ON UPDATE NO ACTION ON DELETE CASCADE,
        PRIMARY KEY (team, [na"me])
      ) WITHOUT ROWID;
      CREATE UNIQUE INDEX people_lower ON people (LOWER("na""me"));
      CREATE INDEX people_active ON people (active) WHERE people.active = 1;
    `);
    verifySchema(database, model);
    expect(planMigration(model, model, [])).toEqual({ kind: 'none' });
    database.close();
  });
});
