import { defineRoom } from '@alcove/core/schema/define-room';
import { sql } from 'drizzle-orm';
import { blob, customType, foreignKey, integer, numeric, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

const folded = customType<{ data: string }>({ dataType: () => 'text COLLATE NOCASE' });
const trimmed = customType<{ data: string }>({ dataType: () => 'text COLLATE RTRIM' });

export const plain = sqliteTable('plain', {
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
/** Refers to itself through a column that is not its key. */
const codes = sqliteTable('codes', { id: text().primaryKey(), code: integer().unique(), twin: integer() }, (table) => [
  foreignKey({ columns: [table.twin], foreignColumns: [table.code] }).onUpdate('cascade'),
]);
const loops = sqliteTable('loops', { id: text().primaryKey().default('home'), next: text() }, (table) => [
  foreignKey({ columns: [table.next], foreignColumns: [table.id] }).onUpdate('cascade'),
]);
const secrets = sqliteTable('secrets', { id: text().primaryKey() });

/** Every kind of table, key and reference that capture has to know. */
export const { model: captureModel } = defineRoom({
  name: 'capture',
  schema: { plain, cells, names, numbers, measures, digests, odd, totals, owners, pets, toys, tree, slots, codes, loops, secrets },
  withoutRowid: ['cells', 'digests', 'totals'],
  serverOnly: ['secrets'],
});

export interface CaptureCase {
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

/** What it must not miss. */
export const captureCases: readonly CaptureCase[] = [
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
    name: 'a cascade from a row onto itself that leaves its key',
    given: [`INSERT INTO codes VALUES ('a', 1, 1), ('b', 2, 1)`],
    run: [`UPDATE codes SET code = 5 WHERE id = 'a'`],
    changes: 2,
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
    given: [`INSERT INTO slots VALUES (1, 9, 9), (3, 9, 5), (2, 5, 6)`],
    run: [`UPDATE OR REPLACE slots SET at = NULL WHERE unit = 6`],
    changes: 2,
  },
  {
    name: 'a key that takes its default under OR REPLACE, and cascades onto itself at once',
    given: [`INSERT INTO loops VALUES ('x', 'x'), ('y', 'x')`],
    run: [`UPDATE OR REPLACE loops SET id = NULL WHERE id = 'x'`],
    changes: 3,
  },
  {
    name: 'a key that takes its default, which another row has',
    given: [`INSERT INTO loops VALUES ('x', 'x'), ('home', 'x')`],
    run: [`UPDATE OR REPLACE loops SET id = NULL WHERE id = 'x'`, `UPDATE OR IGNORE loops SET id = NULL`],
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
