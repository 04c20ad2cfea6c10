import { ne, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { roomDdl } from '@alcove/core/schema/ddl';
import { defineRoom } from '@alcove/core/schema/define-room';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { classOf, SEES_ALL } from '../access/reader-class.ts';
import { openDatabase } from '../host/node/open-database.ts';
import { withLiterals } from './literals.ts';
import { readSight } from './read-sight.ts';

const notes = sqliteTable('notes', {
  id: text().primaryKey(),
  owner: text().notNull(),
  body: text(),
  shout: text().generatedAlwaysAs(sql`upper(coalesce(body, 'none'))`, { mode: 'virtual' }),
  twice: text().generatedAlwaysAs(sql`shout || shout`, { mode: 'stored' }),
});
const audit = sqliteTable('audit', { id: integer().primaryKey(), line: text() });
const room = defineRoom({
  name: 'board',
  schema: { notes, audit },
  serverOnly: ['audit'],
  rules: {
    notes: {
      visibleTo: (row, claims) => (claims['all'] === true ? true : ne(row.owner, 'nobody')),
      hiddenFrom: { body: (row, claims) => (claims['all'] === true ? false : ne(row.owner, String(claims.sub))) },
    },
  },
});
const runtime = new FakeRuntime();
const sightOf = (claims: { sub?: string; all?: boolean }) => readSight(room.model, classOf(room, claims, runtime, new Uint8Array(32)));

const rowsOf = (select: string): unknown[] => {
  const database = openDatabase(':memory:');
  try {
    for (const ddl of roomDdl(room.model, { serverOnly: true })) database.exec(ddl);
    database.exec(`INSERT INTO notes (id, owner, body) VALUES ('a', 'ada''s', 'canary'), ('b', 'bo', 'mine'), ('c', 'nobody', 'gone')`);
    return database.prepare(`SELECT * FROM (${select}) ORDER BY id`).all([]);
  } finally {
    database.close();
  }
};

describe('what a class of readers may read by SQL', () => {
  it('[RD-7] is the rows of its replica, with what is computed from hidden values computed again', () => {
    const { tables } = sightOf({ sub: "ada's" });
    expect(tables.map(({ name }) => name)).toEqual(['notes', 'alcove_values']);
    expect(rowsOf(tables[0]?.select ?? '')).toEqual([
      ['a', "ada's", 'canary', 'CANARY', 'CANARYCANARY'],
      ['b', 'bo', null, 'NONE', 'NONENONE'],
    ]);
  });

  it('[RD-7] has one key for equal sights, another for others', () => {
    expect(sightOf({ sub: 'ada' }).key).toBe(sightOf({ sub: 'ada' }).key);
    expect(sightOf({ sub: 'ada' }).key).not.toBe(sightOf({ sub: 'bo' }).key);
    expect(sightOf({ all: true }).key).toBe(readSight(room.model, SEES_ALL).key);
    expect(readSight(room.model, SEES_ALL, { whole: true }).key).not.toBe(readSight(room.model, SEES_ALL).key);
  });

  it('[RD-7] holds tables that stay in the room for the server alone', () => {
    expect(readSight(room.model, SEES_ALL, { whole: true }).tables.map(({ name }) => name)).toContain('audit');
    expect(readSight(room.model, SEES_ALL).tables.map(({ name }) => name)).not.toContain('audit');
  });

  it.each([null, 0, 5, -5, 0.5, -2.25, 1e21, 1e-7, 2 ** 53, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, "it's -- '; ?", '', '?1'])(
    '[RD-7] values written out are those that were bound: %j',
    (value) => {
      const database = openDatabase(':memory:');
      try {
        const bound = database.prepare('SELECT ? AS v, typeof(?) AS t').all([value, value]);
        expect(database.prepare(withLiterals("SELECT ? AS v, typeof(?) AS t -- '?'", [value, value])).all([])).toEqual(bound);
      } finally {
        database.close();
      }
    },
  );

  it('[RD-7] text that SQLite cannot hold is refused', () => {
    expect(() => withLiterals('SELECT ?', ['a\0b'])).toThrow('NUL or half a character');
  });
});
