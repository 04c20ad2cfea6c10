import { applyRowPuts, type RowPuts, withForeignKeysOff } from '@alcove/core/change/apply';
import type { AppliedChanges } from '@alcove/core/change/applied-changes';
import { canPutInPlace, putRowsInPlace } from '@alcove/core/change/put-in-place';
import { replicatedShapes } from '@alcove/core/change/table-shape';
import { AlcoveError } from '@alcove/core/error';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { Row } from '@alcove/core/sqlite/database';
import { customType, integer, primaryKey, sqliteTable, text, unique } from 'drizzle-orm/sqlite-core';
import { fc } from '../fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { ChangeRoom } from './change-room.ts';
import { type Engine, engines } from './engines.ts';

const folded = customType<{ data: string }>({ dataType: () => 'text COLLATE NOCASE' });
const owners = sqliteTable('owners', { id: text().primaryKey(), mark: integer().unique(), note: text() });
const pets = sqliteTable('pets', { id: text().primaryKey(), owner: text().references(() => owners.id, { onDelete: 'cascade' }) });
const badges = sqliteTable('badges', { mark: integer().references(() => owners.mark, { onUpdate: 'cascade' }), id: text().primaryKey() });
const names = sqliteTable('names', { name: folded().primaryKey(), visits: integer() });
const pairs = sqliteTable('pairs', { a: text().notNull(), b: integer().notNull() }, (table) => [
  primaryKey({ columns: [table.a, table.b] }),
]);
const seats = sqliteTable('seats', { id: integer().primaryKey(), row: text(), place: integer() }, (table) => [
  unique().on(table.row, table.place),
]);

const marked = defineRoom({ name: 'marked', schema: { owners, badges } }).model;
const { model } = defineRoom({ name: 'put', schema: { owners, pets, names, pairs, seats } });

const puts = (table: string, rows: readonly Row[], deletes: readonly Row[] = [], of = model): RowPuts => {
  const shape = replicatedShapes(of).find(({ name }) => name === table);
  if (shape === undefined) throw new RangeError(`no table ${table}`);
  return { table, columns: shape.columns, key: shape.key, puts: rows, deletes };
};

type Outcome = { readonly changes: AppliedChanges; readonly contents: ReturnType<ChangeRoom['contents']> } | { readonly code: string };

async function opened(engine: Engine, rows: readonly string[]): Promise<ChangeRoom> {
  const room = await ChangeRoom.open(engine, model);
  room.run(...rows);
  room.capture.stop();
  return room;
}

function outcomeOf(room: ChangeRoom, run: () => AppliedChanges): Outcome {
  try {
    const changes = run();
    return { changes: withoutOrder(changes), contents: room.contents() };
  } catch (error) {
    if (error instanceof AlcoveError) return { code: error.code };
    throw error;
  }
}

const withoutOrder = (changes: AppliedChanges): AppliedChanges =>
  changes.map((table) => {
    const order = table.rows.map((row, index) => ({ row, key: table.keys[index] ?? [] }));
    order.sort((a, b) => (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1));
    return { ...table, rows: order.map(({ row }) => row), keys: order.map(({ key }) => key) };
  });

const SEED = [
  `INSERT INTO owners VALUES ('a', 1, 'x'), ('b', 2, 'y'), ('c', NULL, NULL)`,
  `INSERT INTO pets VALUES ('p', 'a'), ('q', 'b'), ('r', NULL)`,
  `INSERT INTO names VALUES ('Ann', 1), ('bob', 2)`,
  `INSERT INTO pairs VALUES ('a', 1), ('a', 2)`,
  `INSERT INTO seats VALUES (1, 'A', 1), (2, 'A', 2)`,
];

describe.each(engines)('putting in place on $name', (engine) => {
  const inPlace = async (tables: readonly RowPuts[]): Promise<Outcome> => {
    const room = await opened(engine, SEED);
    const outcome = outcomeOf(room, () => room.database.transaction(() => putRowsInPlace(room.database, model, tables)));
    room.database.close();
    return outcome;
  };

  it('[CH-14] updates a row that others refer to, and none of them is touched', async () => {
    const outcome = await inPlace([puts('owners', [['a', 7, 'new']])]);
    expect(outcome).toMatchObject({
      changes: [{ table: 'owners', rows: [{ before: ['a', 1, 'x'], after: ['a', 7, 'new'] }], keys: [['a']] }],
    });
    if ('code' in outcome) return;
    expect(outcome.contents.get('pets')?.size).toBe(3);
  });

  it.each([
    ['UNIQUE values that change places', [puts('seats', [[1, 'A', 2], [2, 'A', 1]])]], // biome-ignore format: rows
    ['a row before the one it refers to', [puts('pets', [['s', 'z']]), puts('owners', [['z', 9, null]])]],
  ])('[CH-14] refuses %s with constraint_failed', async (_what, tables) => {
    expect(await inPlace(tables)).toEqual({ code: 'constraint_failed' });
  });

  it('[CH-14] is not tried where a foreign-key action could fire or a key has two spellings', () => {
    expect(canPutInPlace(model, [puts('names', [['Ann', 3]])])).toBe(false);
    expect(canPutInPlace(model, [puts('owners', [], [['a']])])).toBe(false);
    expect(canPutInPlace(model, [puts('owners', [['a', 1, 'x']]), puts('pets', [], [['p']])])).toBe(true);
    expect(canPutInPlace(marked, [puts('owners', [['a', 1, 'x']], [], marked)])).toBe(false);
    expect(canPutInPlace(marked, [puts('badges', [[1, 'a']], [], marked)])).toBe(true);
    expect(canPutInPlace(model, [{ ...puts('pets', []), columns: ['id'] }])).toBe(false);
    expect(canPutInPlace(model, [{ ...puts('pets', []), table: 'unknown' }])).toBe(false);
  });

  it('[CH-14] does what apply does, or refuses', async () => {
    const word = fc.constantFrom('a', 'b', 'c', 'd', 'A', 'Ann', 'ann', 'bob', 'p', 'q');
    const number = fc.constantFrom(0, 1, 2, 3, 2.5, null);
    const whole = fc.constantFrom(0, 1, 2, 3);
    const tablePuts = fc.oneof(
      changesOf('owners', fc.tuple(word, number, fc.option(word, { nil: null })), null),
      changesOf('pets', fc.tuple(word, fc.option(word, { nil: null })), fc.tuple(word)),
      changesOf('pairs', fc.tuple(word, whole), fc.tuple(word, whole)),
      changesOf('seats', fc.tuple(whole, word, number), fc.tuple(whole)),
    );
    const oneATable = fc.uniqueArray(tablePuts, { selector: ({ table }) => table, maxLength: 3 });
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(oneATable, async (tables) => {
        const found = await inPlace(tables);
        if ('code' in found) {
          expect(found.code).toBe('constraint_failed');
          return;
        }
        compared += 1;
        const room = await opened(engine, SEED);
        const wanted = outcomeOf(room, () => withForeignKeysOff(room.database, () => applyRowPuts(room.database, model, tables)));
        room.database.close();
        expect(found).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
    expect(compared).toBeGreaterThan(20);
  });
});

function changesOf(table: string, rows: fc.Arbitrary<Row>, deleted: fc.Arbitrary<Row> | null): fc.Arbitrary<RowPuts> {
  const { key } = puts(table, []);
  const distinct = fc.uniqueArray(rows, { selector: (row) => JSON.stringify(key.map((position) => row[position])), maxLength: 3 });
  if (deleted === null) return distinct.map((put) => puts(table, put));
  return fc.tuple(distinct, fc.uniqueArray(deleted, { selector: (row) => JSON.stringify(row), maxLength: 2 })).map(([put, gone]) => {
    const keys = new Set(put.map((row) => JSON.stringify(key.map((position) => row[position]))));
    return puts(
      table,
      put,
      gone.filter((row) => !keys.has(JSON.stringify(row))),
    );
  });
}
