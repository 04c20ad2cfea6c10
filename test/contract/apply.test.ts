import { applyChangeSet, applyRowPuts, insertRows, withForeignKeysOff } from '@alcove/core/change/apply';
import type { ChangeSet } from '@alcove/core/change/change-set';
import { AlcoveError } from '@alcove/core/error';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { Row } from '@alcove/core/sqlite/database';
import { sql } from 'drizzle-orm';
import { customType, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { ChangeRoom } from './change-room.ts';
import { engines } from './engines.ts';

const folded = customType<{ data: string }>({ dataType: () => 'text COLLATE NOCASE' });
const owners = sqliteTable('owners', { id: text().primaryKey(), mark: integer().unique(), note: text().default('new') });
const pets = sqliteTable('pets', {
  id: text().primaryKey(),
  owner: text().references(() => owners.id, { onDelete: 'cascade', onUpdate: 'cascade' }),
});
const names = sqliteTable('names', { name: folded().primaryKey(), visits: integer() });
const flags = sqliteTable('flags', { id: text().primaryKey(), mark: integer(), isOn: integer('is_on'), note: text() }, (table) => [
  uniqueIndex('flags_on').on(table.mark).where(sql`is_on = 1`),
]);
const secrets = sqliteTable('secrets', { id: text().primaryKey() });
const { model } = defineRoom({ name: 'apply', schema: { owners, pets, names, flags, secrets }, serverOnly: ['secrets'] });

const change = (table: string, columns: readonly string[], ...rows: readonly (readonly [Row | null, Row | null])[]): ChangeSet => ({
  tables: [{ table, columns, key: [0], rows: rows.map(([before, after]) => ({ before, after })) }],
});
const ownerColumns = ['id', 'mark', 'note'];

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof AlcoveError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
};

describe.each(engines)('apply on $name', (engine) => {
  const rowsOf = (room: ChangeRoom, table: string): unknown[] => [...(room.contents().get(table)?.values() ?? [])].map(({ row }) => row);

  it('[CH-9] swaps UNIQUE values between rows in one change set', async () => {
    const room = await ChangeRoom.open(engine, model);
    room.run(`INSERT INTO owners VALUES ('a', 1, 'x'), ('b', 2, 'y')`);
    const swapped = change(
      'owners',
      ownerColumns,
      [
        ['a', 1, 'x'],
        ['a', 2, 'x'],
      ],
      [
        ['b', 2, 'y'],
        ['b', 1, 'y'],
      ],
    );
    room.uncaptured(() => applyChangeSet(room.database, model, swapped, 'forward'));
    expect(rowsOf(room, 'owners')).toEqual([
      ['a', 2, 'x'],
      ['b', 1, 'y'],
    ]);
    room.database.close();
  });

  it('[CH-9] swaps what a UNIQUE index depends on through its condition', async () => {
    const room = await ChangeRoom.open(engine, model);
    room.run(`INSERT INTO flags VALUES ('a', 7, 1, null), ('b', 7, 0, null)`);
    const swapped = change(
      'flags',
      ['id', 'mark', 'is_on', 'note'],
      [
        ['b', 7, 0, null],
        ['b', 7, 1, null],
      ],
      [
        ['a', 7, 1, null],
        ['a', 7, 0, 'off'],
      ],
    );
    room.uncaptured(() => applyChangeSet(room.database, model, swapped, 'forward'));
    expect(rowsOf(room, 'flags')).toEqual([
      ['a', 7, 0, 'off'],
      ['b', 7, 1, null],
    ]);
    room.database.close();
  });

  it('[CH-9] a row whose keys and UNIQUE values stay is changed where it is', async () => {
    const room = await ChangeRoom.open(engine, model);
    room.run(`INSERT INTO owners VALUES ('a', 1, 'x'), ('b', 2, 'y')`);
    const noted = change('owners', ownerColumns, [
      ['a', 1, 'x'],
      ['a', 1, 'z'],
    ]);
    room.uncaptured(() => applyChangeSet(room.database, model, noted, 'forward'));
    expect(room.database.prepare('SELECT rowid, id, mark, note FROM owners ORDER BY rowid').all()).toEqual([
      [1, 'a', 1, 'z'],
      [2, 'b', 2, 'y'],
    ]);
    room.database.close();
  });

  it('[CH-9] fires no foreign-key action and needs no parent to stand first', async () => {
    const room = await ChangeRoom.open(engine, model);
    room.run(`INSERT INTO owners VALUES ('a', 1, 'x')`, `INSERT INTO pets VALUES ('p', 'a')`);
    const changes: ChangeSet = {
      tables: [
        ...change('owners', ownerColumns, [
          ['a', 1, 'x'],
          ['a', 1, 'z'],
        ]).tables,
        ...change('pets', ['id', 'owner'], [null, ['q', 'nobody yet']]).tables,
      ],
    };
    room.uncaptured(() => applyChangeSet(room.database, model, changes, 'forward'));
    expect(rowsOf(room, 'pets')).toEqual([
      ['p', 'a'],
      ['q', 'nobody yet'],
    ]);
    room.database.close();
  });

  it('[CH-9] enforces foreign keys again afterwards, also when it failed', async () => {
    const room = await ChangeRoom.open(engine, model);
    expect(codeOf(() => withForeignKeysOff(room.database, () => room.run('INSERT INTO nothing VALUES (1)')))).toBe('sql_failed');
    expect(codeOf(() => room.run(`INSERT INTO pets VALUES ('p', 'nobody')`))).toBe('constraint_failed');
    room.database.close();
  });

  it('[CH-9] changes all or nothing', async () => {
    const room = await ChangeRoom.open(engine, model);
    room.run(`INSERT INTO owners VALUES ('a', 1, 'x')`, `INSERT INTO names VALUES ('n', 1)`);
    const before = room.contents();
    const broken: ChangeSet = {
      tables: [
        ...change('owners', ownerColumns, [['a', 1, 'x'], null], [null, ['b', 7, 'y']], [null, ['c', 7, 'z']]).tables,
        ...change('names', ['name', 'visits'], [['n', 1], null]).tables,
      ],
    };
    room.uncaptured(() => expect(codeOf(() => applyChangeSet(room.database, model, broken, 'forward'))).toBe('constraint_failed'));
    expect(room.contents()).toEqual(before);
    room.database.close();
  });

  it('[CH-9] tells the keys it touched, in the direction it went', async () => {
    const room = await ChangeRoom.open(engine, model);
    room.run(`INSERT INTO names VALUES ('n', 1)`);
    const changes = change(
      'names',
      ['name', 'visits'],
      [
        ['n', 1],
        ['n', 2],
      ],
      [null, ['m', 1]],
    );
    room.uncaptured(() => {
      expect(applyChangeSet(room.database, model, changes, 'forward')).toMatchObject([
        { table: 'names', keys: [['n'], ['m']], rows: changes.tables[0]?.rows },
      ]);
      expect(applyChangeSet(room.database, model, changes, 'backward')).toMatchObject([
        {
          keys: [['n'], ['m']],
          rows: [
            { before: ['n', 2], after: ['n', 1] },
            { before: ['m', 1], after: null },
          ],
        },
      ]);
    });
    room.database.close();
  });

  it('[CH-9] tells of rows put and keys deleted what stood there, and nothing of rows put as they stood', async () => {
    const room = await ChangeRoom.open(engine, model);
    room.run(`INSERT INTO names VALUES ('Anna', 1), ('Bert', 2), ('same', 3)`);
    const puts = [
      ['ANNA', 5],
      ['same', 3],
      ['new', 1],
    ];
    room.uncaptured(() => {
      const applied = applyRowPuts(room.database, model, [
        { table: 'names', columns: ['name', 'visits'], key: [0], puts, deletes: [['bert'], ['nobody']] },
      ]);
      expect(applied[0]?.rows).toEqual([
        { before: ['Bert', 2], after: null },
        { before: null, after: ['ANNA', 5] },
        { before: ['Anna', 1], after: null },
        { before: null, after: ['new', 1] },
      ]);
      expect(applied[0]?.keys).toEqual([['Bert'], ['ANNA'], ['Anna'], ['new']]);
    });
    expect(rowsOf(room, 'names')).toEqual([
      ['ANNA', 5],
      ['new', 1],
      ['same', 3],
    ]);
    room.database.close();
  });

  it('[CH-10] gives a column that an older change set does not name its default', async () => {
    const room = await ChangeRoom.open(engine, model);
    room.uncaptured(() => applyChangeSet(room.database, model, change('owners', ['id', 'mark'], [null, ['a', 1]]), 'forward'));
    expect(rowsOf(room, 'owners')).toEqual([['a', 1, 'new']]);
    room.database.close();
  });

  it.each<[string, ChangeSet]>([
    ['a table it does not have', change('nothing', ['id'], [null, ['a']])],
    ['a server-only table', change('secrets', ['id'], [null, ['a']])],
    ['a column it does not have', change('owners', ['id', 'colour'], [null, ['a', 'red']])],
    ['another key', { tables: [{ table: 'owners', columns: ownerColumns, key: [1], rows: [] }] }],
    ['no key', { tables: [{ table: 'owners', columns: ['mark'], key: [], rows: [] }] }],
  ])('[CH-10] refuses changes of %s', async (_name, changes) => {
    const room = await ChangeRoom.open(engine, model);
    room.uncaptured(() => expect(codeOf(() => applyChangeSet(room.database, model, changes, 'forward'))).toBe('schema_mismatch'));
    room.database.close();
  });

  it('[CH-10] inserts the rows of a snapshot, or none of them', async () => {
    const room = await ChangeRoom.open(engine, model);
    const rows = [
      ['a', 1, 'x'],
      ['b', 2, null],
    ];
    room.uncaptured(() => {
      insertRows(room.database, model, { table: 'owners', columns: ownerColumns, key: [0], rows });
      expect(
        codeOf(() =>
          insertRows(room.database, model, {
            table: 'owners',
            columns: ownerColumns,
            key: [0],
            rows: [
              ['c', 3, null],
              ['a', 4, null],
            ],
          }),
        ),
      ).toBe('constraint_failed');
    });
    expect(rowsOf(room, 'owners')).toEqual(rows);
    room.database.close();
  });

  it('[CH-11] takes no notice of unreadable rows that only came and went', async () => {
    const room = await ChangeRoom.open(engine, model);
    room.run(`INSERT INTO owners (id) VALUES ('a')`);
    room.capture.take();
    room.run(
      `INSERT INTO names VALUES ('a' || char(0), 9007199254740993)`,
      `UPDATE names SET name = 'b' || char(0)`,
      'DELETE FROM names',
      `UPDATE owners SET mark = 9007199254740993`,
      `UPDATE owners SET mark = 5`,
    );
    expect(room.capture.take()).toEqual(
      change('owners', ownerColumns, [
        ['a', null, 'new'],
        ['a', 5, 'new'],
      ]),
    );
    room.database.close();
  });

  it('[CH-11] fails a take over what no driver reads, and forgets nothing', async () => {
    const room = await ChangeRoom.open(engine, model);
    room.run(`INSERT INTO names VALUES ('a', 1)`, `UPDATE names SET visits = 9007199254740993`);
    expect(codeOf(() => room.capture.take())).toBe('sql_failed');
    expect(room.capture.rowCount()).toBe(1);
    room.run(`UPDATE names SET visits = 7`);
    expect(room.capture.take().tables[0]?.rows).toEqual([{ before: null, after: ['a', 7] }]);
    room.database.close();
  });

  it('[CH-12] fails a take of more than one message may carry, and forgets nothing', async () => {
    const room = await ChangeRoom.open(engine, model);
    const insert = room.database.prepare('INSERT INTO owners (id, note) VALUES (?, ?)');
    for (let index = 0; index < 11; index += 1) insert.run([`o${index}`, 'x'.repeat(1_000_000)]);
    expect(codeOf(() => room.capture.take())).toBe('mutator_limit');
    expect(room.capture.rowCount()).toBe(11);
    room.run(`DELETE FROM owners WHERE id > 'o3'`);
    expect(room.capture.take().tables[0]?.rows).toHaveLength(5);
    room.database.close();
  });
});
