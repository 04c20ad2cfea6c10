import { applyChangeSet } from '@alcove/core/change/apply';
import type { ChangeSet } from '@alcove/core/change/change-set';
import { installCapture, removeCapture } from '@alcove/core/change/install-capture';
import { applyWireChanges, toWire } from '@alcove/core/change/wire';
import { AlcoveError } from '@alcove/core/error';
import { defineRoom } from '@alcove/core/schema/define-room';
import { sql } from 'drizzle-orm';
import { blob, customType, foreignKey, integer, numeric, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { asDifference, ChangeRoom, type Contents, differenceOf } from './change-room.ts';
import { engines } from './engines.ts';

const folded = customType<{ data: string }>({ dataType: () => 'text COLLATE NOCASE' });
const trimmed = customType<{ data: string }>({ dataType: () => 'text COLLATE RTRIM' });

const plain = sqliteTable('plain', {
  id: text().primaryKey(),
  note: text(),
  count: integer(),
  size: real(),
  amount: numeric(),
  bytes: blob(),
  mark: text().unique(),
});
const cells = sqliteTable('cells', { x: text().notNull(), y: integer().notNull(), value: text(), mark: integer() }, (table) => [
  primaryKey({ columns: [table.y, table.x] }),
  uniqueIndex('cells_mark').on(table.mark),
]);
const names = sqliteTable('names', { name: folded().primaryKey(), alias: trimmed().unique(), visits: integer() });
const numbers = sqliteTable('numbers', { id: integer().primaryKey(), label: text(), mark: text().unique() });
const measures = sqliteTable('measures', { at: real().primaryKey(), value: real() });
const digests = sqliteTable('digests', { hash: blob().primaryKey(), name: text() });
const odd = sqliteTable('we"ird na\'me', { select: text('sel"ect').primaryKey(), order: text('order by'), 'ä b': integer('ä b') });
const totals = sqliteTable('totals', {
  price: integer().notNull(),
  id: text().primaryKey(),
  double: integer().generatedAlwaysAs(sql`price * 2`, { mode: 'virtual' }),
  half: real().generatedAlwaysAs(sql`price / 2.0`, { mode: 'stored' }),
  note: text(),
});
const owners = sqliteTable('owners', { id: text().primaryKey(), number: integer().notNull().unique() });
const pets = sqliteTable('pets', {
  id: text().primaryKey(),
  owner: text().references(() => owners.id, { onDelete: 'cascade', onUpdate: 'cascade' }),
  sitter: text().references(() => owners.id, { onDelete: 'set null', onUpdate: 'set null' }),
  vet: text()
    .default('v')
    .references(() => owners.id, { onDelete: 'set default', onUpdate: 'set default' }),
});
const toys = sqliteTable('toys', { pet: text().notNull(), name: text().notNull() }, (table) => [
  primaryKey({ columns: [table.pet, table.name] }),
  foreignKey({ columns: [table.pet], foreignColumns: [pets.id] })
    .onDelete('cascade')
    .onUpdate('cascade'),
]);
const tree = sqliteTable('tree', { id: text().primaryKey(), parent: text(), slot: integer().unique() }, (table) => [
  foreignKey({ columns: [table.parent], foreignColumns: [table.id] })
    .onDelete('cascade')
    .onUpdate('cascade'),
]);
/** Its key refers to itself, so that deleting a row can move another one onto its key within the same statement. */
const slots = sqliteTable(
  'slots',
  { x: integer().notNull(), at: integer().notNull().default(9), unit: integer().notNull().unique() },
  (table) => [
    primaryKey({ columns: [table.x, table.at] }),
    foreignKey({ columns: [table.at], foreignColumns: [table.unit] })
      .onDelete('set default')
      .onUpdate('cascade'),
  ],
);
const secrets = sqliteTable('secrets', { id: text().primaryKey() });

const { model } = defineRoom({
  name: 'capture',
  schema: { plain, cells, names, numbers, measures, digests, odd, totals, owners, pets, toys, tree, slots, secrets },
  withoutRowid: ['cells', 'digests', 'totals'],
  serverOnly: ['secrets'],
});

interface Case {
  readonly name: string;
  readonly given?: readonly string[];
  readonly run: readonly string[];
  /** How many row changes there must be; checked beside the oracle so that a case cannot silently do nothing. */
  readonly changes: number;
}

const family = [
  `INSERT INTO owners VALUES ('o', 1), ('p', 2), ('v', 3)`,
  `INSERT INTO pets VALUES ('cat', 'o', 'o', 'o'), ('dog', 'p', 'o', 'o'), ('emu', 'o', 'p', 'v')`,
  `INSERT INTO toys VALUES ('cat', 'ball'), ('cat', 'yarn'), ('dog', 'stick'), ('emu', 'hat')`,
];

const cases: readonly Case[] = [
  { name: 'an insert', run: [`INSERT INTO plain (id, note) VALUES ('a', 'x')`], changes: 1 },
  { name: 'an update', given: [`INSERT INTO plain (id, note) VALUES ('a', 'x')`], run: [`UPDATE plain SET note = 'y'`], changes: 1 },
  { name: 'a delete', given: [`INSERT INTO plain (id) VALUES ('a'), ('b')`], run: [`DELETE FROM plain WHERE id = 'a'`], changes: 1 },
  {
    name: 'a bare delete',
    given: [`INSERT INTO plain (id) VALUES ('a'), ('b')`, `INSERT INTO cells VALUES ('x', 1, 'v', 1)`],
    run: ['DELETE FROM plain', 'DELETE FROM cells'],
    changes: 3,
  },
  {
    name: 'nulls, blobs, integers at ±(2^53−1)',
    run: [
      `INSERT INTO plain VALUES ('a', NULL, 9007199254740991, NULL, NULL, x'00ff01', NULL), ('b', '', -9007199254740991, -0.0, 0, x'', 'm')`,
    ],
    changes: 2,
  },
  {
    name: 'REAL in typed columns',
    run: [
      `INSERT INTO plain VALUES ('a', 5.0, 5.0, 5.0, 5.0, 5.5, 5), ('b', 0.1, 0.1, 1e300, 1e15, 1e300, 1.5), ('c', 1, '7', '7', '7.5', '7', 7), ('d', 1, 2.5, 9e999, -9e999, NULL, NULL)`,
    ],
    changes: 4,
  },
  {
    name: 'what an update leaves as it was',
    given: [`INSERT INTO plain (id, note) VALUES ('a', 'x')`],
    run: [`UPDATE plain SET note = 'x'`, `UPDATE plain SET note = 'y'`, `UPDATE plain SET note = 'x'`],
    changes: 0,
  },
  { name: 'insert, then delete', run: [`INSERT INTO plain (id) VALUES ('a')`, `DELETE FROM plain`], changes: 0 },
  {
    name: 'delete, then insert of the same key',
    given: [`INSERT INTO plain (id, note) VALUES ('a', 'x')`],
    run: ['DELETE FROM plain', `INSERT INTO plain (id, note) VALUES ('a', 'y')`],
    changes: 1,
  },
  { name: 'a key change', given: [`INSERT INTO plain (id, note) VALUES ('a', 'x')`], run: [`UPDATE plain SET id = 'b'`], changes: 2 },
  {
    name: 'keys swapped through a third',
    given: [`INSERT INTO plain (id, note) VALUES ('a', 'x'), ('b', 'y')`],
    run: [
      `UPDATE plain SET id = 'c' WHERE id = 'a'`,
      `UPDATE plain SET id = 'a' WHERE id = 'b'`,
      `UPDATE plain SET id = 'b' WHERE id = 'c'`,
    ],
    changes: 2,
  },
  {
    name: 'keys moved along in one statement',
    given: [`INSERT INTO numbers VALUES (1, 'a', NULL), (2, 'b', NULL), (3, 'c', NULL)`],
    run: ['UPDATE numbers SET id = id + 10'],
    changes: 6,
  },
  {
    name: 'REPLACE of the same key',
    given: [`INSERT INTO plain (id, note) VALUES ('a', 'x')`],
    run: [`REPLACE INTO plain (id, note) VALUES ('a', 'y')`],
    changes: 1,
  },
  {
    name: 'REPLACE that removes rows of other keys',
    given: [`INSERT INTO plain (id, mark) VALUES ('a', 'm'), ('b', 'n'), ('c', 'o')`],
    run: [`INSERT OR REPLACE INTO plain (id, mark) VALUES ('b', 'm')`],
    changes: 2,
  },
  {
    name: 'REPLACE of several rows, each removing others',
    given: [`INSERT INTO cells VALUES ('x', 1, 'v', 1), ('y', 1, 'w', 2), ('z', 2, 'u', 3)`],
    run: [`INSERT OR REPLACE INTO cells VALUES ('n', 9, 'n', 1), ('x', 1, 'again', 2), ('o', 9, 'o', 3)`],
    changes: 5,
  },
  {
    name: 'UPDATE OR REPLACE',
    given: [`INSERT INTO plain (id, mark) VALUES ('a', 'm'), ('b', 'n'), ('c', 'o')`],
    run: [`UPDATE OR REPLACE plain SET mark = 'n' WHERE id = 'a'`, `UPDATE OR REPLACE plain SET id = 'c' WHERE id = 'a'`],
    changes: 3,
  },
  {
    name: 'UPDATE OR REPLACE of a composite key',
    given: [`INSERT INTO cells VALUES ('x', 1, 'v', 1), ('y', 1, 'w', 2), ('x', 2, 'u', 3)`],
    run: [`UPDATE OR REPLACE cells SET y = 1, value = 'moved' WHERE y = 2`],
    changes: 2,
  },
  {
    name: 'an upsert',
    given: [`INSERT INTO cells VALUES ('x', 1, 'v', 1)`],
    run: [
      `INSERT INTO cells VALUES ('x', 1, 'n', 1), ('n', 1, 'n', 2) ON CONFLICT (y, x) DO UPDATE SET value = excluded.value, x = 'k'`,
      `INSERT INTO cells VALUES ('n', 1, 'no', 5) ON CONFLICT DO NOTHING`,
    ],
    changes: 3,
  },
  {
    name: 'INSERT OR IGNORE and UPDATE OR IGNORE',
    given: [`INSERT INTO plain (id, mark) VALUES ('a', 'm'), ('b', 'n')`],
    run: [
      `INSERT OR IGNORE INTO plain (id, mark) VALUES ('a', 'x'), ('c', 'm'), ('d', 'd')`,
      `UPDATE OR IGNORE plain SET mark = 'm'`,
      `UPDATE OR IGNORE plain SET id = 'a'`,
    ],
    changes: 1,
  },
  {
    name: 'a key of another case under NOCASE',
    given: [`INSERT INTO names VALUES ('Anna', 'a', 1), ('Bert', 'b', 2)`],
    run: [`UPDATE names SET name = 'ANNA' WHERE name = 'anna'`, `REPLACE INTO names VALUES ('BERT', 'b', 3)`],
    changes: 4,
  },
  {
    name: 'a NOCASE key changed and changed back',
    given: [`INSERT INTO names VALUES ('Anna', 'a', 1)`],
    run: [`UPDATE names SET name = 'ANNA'`, `UPDATE names SET name = 'Anna'`],
    changes: 0,
  },
  {
    name: 'a conflict under RTRIM',
    given: [`INSERT INTO names VALUES ('Anna', 'a', 1), ('Bert', 'b', 2)`],
    run: [`UPDATE OR REPLACE names SET alias = 'b  ' WHERE name = 'Anna'`],
    changes: 2,
  },
  {
    name: 'automatic integer keys',
    given: [`INSERT INTO numbers VALUES (7, 'x', 'm')`],
    run: [
      `INSERT INTO numbers (label) VALUES ('a'), ('b')`,
      `INSERT INTO numbers VALUES (NULL, 'c', 'n')`,
      `REPLACE INTO numbers (label, mark) VALUES ('d', 'm')`,
    ],
    changes: 5,
  },
  {
    name: 'an integer key changed through rowid, and from text',
    given: [`INSERT INTO numbers VALUES (1, 'a', NULL), (2, 'b', NULL)`],
    run: ['UPDATE numbers SET rowid = 5 WHERE id = 1', `UPDATE numbers SET id = '6' WHERE id = 2`],
    changes: 4,
  },
  {
    name: 'REAL and blob keys',
    given: [`INSERT INTO measures VALUES (1, 1), (0.5, 2)`, `INSERT INTO digests VALUES (x'00', 'a'), (x'', 'b')`],
    run: [
      `UPDATE measures SET at = at + 1`,
      `UPDATE digests SET hash = x'0001' WHERE hash = x'00'`,
      `DELETE FROM digests WHERE hash = x''`,
    ],
    changes: 7,
  },
  {
    name: 'odd names',
    given: [`INSERT INTO "we""ird na'me" VALUES ('a', 'x', 1)`],
    run: [`UPDATE "we""ird na'me" SET "order by" = 'y'`, `INSERT INTO "we""ird na'me" VALUES ('b', 'z', 2)`],
    changes: 2,
  },
  {
    name: 'generated columns',
    given: [`INSERT INTO totals (price, id) VALUES (3, 'a')`],
    run: [`UPDATE totals SET price = 5`, `INSERT INTO totals (price, id) VALUES (7, 'b')`],
    changes: 2,
  },
  { name: 'a cascade, SET NULL and SET DEFAULT', given: family, run: [`DELETE FROM owners WHERE id = 'o'`], changes: 7 },
  {
    name: 'a cascaded key change',
    given: family,
    run: [`UPDATE owners SET id = 'n' WHERE id = 'o'`, `UPDATE pets SET id = 'lion' WHERE id = 'cat'`],
    changes: 10,
  },
  { name: 'a cascade from REPLACE', given: family, run: [`REPLACE INTO owners VALUES ('n', 1)`], changes: 8 },
  {
    name: 'a cascade through a tree',
    given: [`INSERT INTO tree VALUES ('a', NULL, 1), ('b', 'a', 2), ('c', 'b', 3), ('d', 'a', 4)`],
    run: [`DELETE FROM tree WHERE id = 'a'`],
    changes: 4,
  },
  {
    name: 'a cascaded key change of a row that refers to itself',
    given: [`INSERT INTO tree VALUES ('a', 'a', 1), ('b', 'a', 2)`],
    run: [`UPDATE tree SET id = 'z' WHERE id = 'a'`],
    changes: 3,
  },
  {
    name: 'REPLACE of a row that refers to itself',
    given: [`INSERT INTO tree VALUES ('a', 'a', 1), ('b', 'a', 2)`],
    run: [`REPLACE INTO tree VALUES ('a', 'a', 2)`],
    changes: 2,
  },
  {
    name: 'another row moved onto a deleted key in the same statement',
    given: [
      `INSERT INTO slots VALUES (1, 9, 9), (2, 9, 5)`,
      `UPDATE slots SET at = 5 WHERE x = 1`,
      `INSERT INTO slots VALUES (1, 9, 7)`,
      `UPDATE slots SET x = 3 WHERE unit = 9`,
      `INSERT INTO slots VALUES (1, 7, 8)`,
    ],
    run: [`DELETE FROM slots WHERE unit = 7`],
    changes: 2,
  },
  {
    name: 'a key set to null under OR REPLACE, which takes its default',
    given: [`INSERT INTO slots VALUES (1, 9, 9), (1, 5, 5), (2, 5, 6)`.replace('(1, 5, 5)', '(3, 9, 5)')],
    run: [`UPDATE OR REPLACE slots SET at = NULL WHERE unit = 6`],
    changes: 2,
  },
  {
    name: 'writes of SELECTs on the table itself',
    given: [`INSERT INTO numbers VALUES (1, 'a', NULL), (2, 'b', NULL)`],
    run: [
      `INSERT INTO numbers (id, label) SELECT id + 2, label || '!' FROM numbers`,
      `UPDATE numbers SET label = other.label FROM numbers other WHERE other.id = numbers.id + 1`,
      `DELETE FROM numbers WHERE id IN (SELECT max(id) FROM numbers)`,
    ],
    changes: 3,
  },
  {
    name: 'values',
    run: [
      `INSERT INTO alcove_values VALUES ('budget', '', '1', 1)`,
      `INSERT INTO alcove_values VALUES ('budget', '', '2', 2) ON CONFLICT DO UPDATE SET value = excluded.value`,
    ],
    changes: 1,
  },
];

const countOf = (changeSet: ChangeSet): number => changeSet.tables.reduce((count, { rows }) => count + rows.length, 0);

for (const engine of engines) {
  describe(`capture on ${engine.name}`, () => {
    it.each(cases)('[CH-1][CH-2][CH-3] catches $name, to the byte, and gives it again elsewhere', async ({ given = [], run, changes }) => {
      const room = await ChangeRoom.open(engine, model);
      room.run(...given);
      room.capture.take();
      const before = room.contents();
      room.run(...run);
      const after = room.contents();
      const taken = room.capture.take();
      expect(asDifference(taken)).toEqual(differenceOf(before, after));
      expect(countOf(taken)).toBe(changes);
      expect(room.capture.take()).toEqual({ tables: [] });
      for (const other of engines) {
        await checkApply(await ChangeRoom.open(other, model), before, after, taken);
        await checkWire(await ChangeRoom.open(other, model), before, after, taken);
      }
      room.uncaptured(() => applyChangeSet(room.database, model, taken, 'backward'));
      expect(room.contents()).toEqual(before);
      room.database.close();
    });

    it('[CH-4] takes back what it captured with the savepoint that is rolled back', async () => {
      const room = await ChangeRoom.open(engine, model);
      room.database.transaction(() => {
        room.run(`INSERT INTO plain (id) VALUES ('kept')`);
        expect(() =>
          room.database.transaction(() => {
            room.run(`INSERT INTO plain (id) VALUES ('undone')`, `DELETE FROM plain WHERE id = 'kept'`);
            throw new AlcoveError('mutator_failed', 'on purpose');
          }),
        ).toThrow('on purpose');
        expect(room.capture.rowCount()).toBe(1);
        expect(room.capture.take().tables[0]?.rows).toEqual([{ before: null, after: ['kept', null, null, null, null, null, null] }]);
      });
    });

    it('[CH-4] captures nothing before start and after stop, and keeps what was captured between', async () => {
      const room = await ChangeRoom.open(engine, model);
      room.capture.stop();
      room.run(`INSERT INTO plain (id) VALUES ('before')`);
      room.capture.start();
      room.run(`INSERT INTO plain (id) VALUES ('between')`);
      room.capture.stop();
      room.run(`INSERT INTO plain (id) VALUES ('after')`);
      expect(room.capture.take().tables[0]?.rows.map(({ after }) => after?.[0])).toEqual(['between']);
    });

    it('[CH-5] refuses the REAL value of a whole number where nothing keeps it a REAL', async () => {
      const room = await ChangeRoom.open(engine, model);
      const refusal = (statement: string): unknown => {
        try {
          return room.run(statement);
        } catch (error) {
          return error;
        }
      };
      for (const statement of [
        `INSERT INTO plain (id, bytes) VALUES ('a', 5.0)`,
        `INSERT OR REPLACE INTO plain (id, bytes) VALUES ('a', -0.0)`,
      ]) {
        expect(refusal(statement)).toMatchObject({ code: 'constraint_failed', message: expect.stringContaining('column bytes of plain') });
      }
      room.run(`INSERT INTO plain (id, bytes) VALUES ('a', 5), ('b', 5.5), ('c', 1e300), ('d', 9e999)`);
      expect(refusal(`UPDATE OR IGNORE plain SET bytes = 2.0`)).toMatchObject({ code: 'constraint_failed' });
      expect(room.contents().get('plain')?.size).toBe(4);
    });

    it('[CH-6] is installed once, again for another model, and can be taken away', async () => {
      const room = await ChangeRoom.open(engine, model);
      room.run(`INSERT INTO plain (id) VALUES ('a')`);
      installCapture(room.database, model);
      expect(room.capture.rowCount()).toBe(1);
      const names = (): unknown[] => room.database.prepare(`SELECT name FROM sqlite_schema WHERE name LIKE 'alcove_c%'`).all();
      const installed = names();
      const fewer = defineRoom({ name: 'fewer', schema: { plain } }).model;
      installCapture(room.database, fewer);
      expect(names().length).toBeLessThan(installed.length);
      installCapture(room.database, model);
      expect(names()).toHaveLength(installed.length);
      expect(room.capture.rowCount()).toBe(0);
      removeCapture(room.database);
      expect(names()).toEqual([]);
      room.run(`INSERT INTO plain (id) VALUES ('b')`);
    });
  });
}

async function checkApply(copy: ChangeRoom, before: Contents, after: Contents, taken: ChangeSet): Promise<void> {
  copy.fill(before);
  copy.uncaptured(() => applyChangeSet(copy.database, model, taken, 'forward'));
  expect(copy.contents()).toEqual(after);
  copy.uncaptured(() => applyChangeSet(copy.database, model, taken, 'backward'));
  expect(copy.contents()).toEqual(before);
  copy.database.close();
}

async function checkWire(copy: ChangeRoom, before: Contents, after: Contents, taken: ChangeSet): Promise<void> {
  copy.fill(before);
  copy.uncaptured(() => {
    const applied = applyWireChanges(copy.database, model, JSON.parse(JSON.stringify(toWire(taken))));
    expect(asDifference({ tables: applied })).toEqual(asDifference(taken));
  });
  expect(copy.contents()).toEqual(after);
  copy.database.close();
}
