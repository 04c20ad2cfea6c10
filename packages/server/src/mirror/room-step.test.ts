import { encodeRecord } from '@alcove/core/change/record-codec';
import { defineRoom } from '@alcove/core/schema/define-room';
import { createTableSql } from '@alcove/core/schema/ddl';
import { encodeModel } from '@alcove/core/schema/model-codec';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { createLogTables } from '../change-log/log-tables.ts';
import { openDatabase } from '../host/node/open-database.ts';
import { RoomSteps } from './room-step.ts';
import type { Watermark } from './watermark.ts';

const one = sqliteTable('one', { id: text().primaryKey(), label: text() });
const two = sqliteTable('two', { a: text().notNull(), b: integer().notNull() }, ({ a, b }) => [primaryKey({ columns: [b, a] })]);
const { model } = defineRoom({ name: 'trip', schema: { one, two }, mutators: {} });

/** A room's file, written as a room does, as far as a mirror can tell: rows, and one record of the log a version. */
class WrittenRoom {
  readonly database: Database = openDatabase(':memory:');
  version = 0;
  history = 0;
  /** The log's at each version, from the floor on. */
  readonly #hashes = new Map<number, string>();
  #commits = 0;
  /** What it held, by the log's hash. */
  readonly held = new Map<string, string>();

  constructor() {
    createLogTables(this.database);
    for (const table of model.tables) this.database.exec(createTableSql(table));
    this.database.prepare('INSERT INTO alcove_schemas VALUES (1, ?, ?, 0, 0)').run([model.schemaId, encodeModel(model)]);
    this.#meta('historyId', 'h0');
    this.#meta('floor', 0);
    this.#hold();
    this.#meta('floorHash', this.hash);
  }

  get hash(): string {
    return this.#hashes.get(this.version) ?? '';
  }

  commit(changes: readonly (readonly [table: 'one' | 'two', key: number, value: number | null])[]): void {
    const rows = { one: new Map<string, [Row | null, Row | null]>(), two: new Map<string, [Row | null, Row | null]>() };
    for (const [table, key, value] of changes) {
      const [name, before, after] = table === 'one' ? this.#put(key, value) : this.#pair(key, value);
      rows[table].set(name, [rows[table].get(name)?.[0] ?? before, after]);
    }
    const shape = { one: { columns: ['id', 'label'], key: [0] }, two: { columns: ['a', 'b'], key: [1, 0] } };
    const tables = (['one', 'two'] as const).map((table) => ({
      table,
      ...shape[table],
      rows: [...rows[table].values()]
        .filter(([before, after]) => before !== null || after !== null)
        .map(([before, after]) => ({ before, after })),
    }));
    this.version += 1;
    this.#hold();
    const record = encodeRecord({ tables: tables.filter(({ rows: changed }) => changed.length > 0) });
    this.database
      .prepare("INSERT INTO alcove_log VALUES (?, ?, 0, ?, 0, ?, '[]', ?)")
      .run([this.version, model.schemaId, record.length, this.hash, record]);
  }

  prune(): void {
    this.database.prepare('DELETE FROM alcove_log WHERE version <= ?').run([this.version]);
    this.#meta('floor', this.version);
    this.#meta('floorHash', this.hash);
  }

  /** An older copy of the file is put back: the same history, and what came after is lost. */
  putBack(versions: number): void {
    const floor = Number(this.database.prepare("SELECT value FROM alcove_meta WHERE name = 'floor'").get()?.[0]);
    this.version = Math.max(floor, this.version - versions);
    const [one = [], two = []] = JSON.parse(this.held.get(this.hash) ?? '[]') as Row[][];
    for (const table of ['one', 'two']) this.database.exec(`DELETE FROM ${table}`);
    this.database.prepare('DELETE FROM alcove_log WHERE version > ?').run([this.version]);
    for (const row of one) this.database.prepare('INSERT INTO one VALUES (?, ?)').run(row);
    for (const row of two) this.database.prepare('INSERT INTO two VALUES (?, ?)').run(row);
  }

  /** Goes back to nothing, as a restored file may, under another history. */
  restore(): void {
    for (const table of ['one', 'two', 'alcove_log']) this.database.exec(`DELETE FROM ${table}`);
    this.history += 1;
    this.version = 0;
    this.#meta('historyId', `h${this.history}`);
    this.#meta('floor', 0);
    this.#hold();
    this.#meta('floorHash', this.hash);
  }

  #put(key: number, value: number | null): [string, Row | null, Row | null] {
    const id = `k${key}`;
    const before = this.database.prepare('SELECT id, label FROM one WHERE id = ?').get([id]) ?? null;
    this.database.prepare('DELETE FROM one WHERE id = ?').run([id]);
    if (value === null) return [id, before, null];
    this.database.prepare('INSERT INTO one VALUES (?, ?)').run([id, `v${value}`]);
    return [id, before, [id, `v${value}`]];
  }

  #pair(key: number, value: number | null): [string, Row | null, Row | null] {
    const row = [`a${key % 2}`, key];
    const isThere = this.database.prepare('SELECT 1 FROM two WHERE a = ? AND b = ?').get(row) !== undefined;
    if (value === null) this.database.prepare('DELETE FROM two WHERE a = ? AND b = ?').run(row);
    else this.database.prepare('INSERT OR IGNORE INTO two VALUES (?, ?)').run(row);
    return [row.join(), isThere ? row : null, value === null ? null : row];
  }

  #meta(name: string, value: string | number): void {
    this.database.prepare('INSERT OR REPLACE INTO alcove_meta VALUES (?, ?)').run([name, value]);
  }

  #hold(): void {
    const rows = ['one', 'two'].map((table) => this.database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all());
    this.#commits += 1;
    this.#hashes.set(this.version, `hash ${this.#commits}`);
    this.held.set(this.hash, JSON.stringify(rows));
  }
}

/** PostgreSQL, as far as steps go. */
class KeptRows {
  watermark: Watermark | null = null;
  readonly #tables: Readonly<Record<string, Map<string, Row>>> = { one: new Map(), two: new Map(), alcove_values: new Map() };

  /** One turn, as RoomTurn takes it. */
  turn(room: WrittenRoom, steps: RoomSteps): void {
    let step = steps.next(room.database, this.watermark);
    if (step.kind === 'restart' && step.next === this.watermark) {
      for (const table of Object.values(this.#tables)) table.clear();
      step = steps.begin(room.database);
    }
    if (step.kind === 'restart') this.watermark = step.next;
    if (step.kind !== 'apply') return;
    for (const { table, puts, gone } of step.tables) {
      const rows = this.#tables[table.model.name] ?? new Map<string, Row>();
      for (const key of gone) rows.delete(JSON.stringify(key));
      for (const row of puts) rows.set(JSON.stringify(table.keyOf(row)), row);
    }
    this.watermark = JSON.parse(JSON.stringify(step.next)) as Watermark; // as it comes back from PostgreSQL
  }

  /** Its definition is not mirrored for a while. */
  retire(): void {
    if (this.watermark !== null) this.watermark = { ...this.watermark, state: 'retired', deletedMs: 1 };
  }

  get shown(): string {
    const order = (a: string, b: string): number => (a < b ? -1 : 1);
    return JSON.stringify(
      ['one', 'two'].map((table) =>
        [...(this.#tables[table]?.values() ?? [])]
          .map((row) => JSON.stringify(row))
          .sort(order)
          .map((row) => JSON.parse(row) as Row),
      ),
    );
  }
}

const sortedText = (text: string): string =>
  JSON.stringify(
    (JSON.parse(text) as Row[][]).map((rows) =>
      rows
        .map((row) => JSON.stringify(row))
        .sort((a, b) => (a < b ? -1 : 1))
        .map((row) => JSON.parse(row) as Row),
    ),
  );

const change = fc.tuple(fc.constantFrom('one' as const, 'two' as const), fc.nat(6), fc.option(fc.nat(3)));
const action = fc.oneof(
  { weight: 6, arbitrary: fc.array(change, { maxLength: 4 }).map((changes) => ({ do: 'commit' as const, changes })) },
  { weight: 6, arbitrary: fc.constant({ do: 'turn' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'prune' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restore' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'retire' as const }) },
  { weight: 1, arbitrary: fc.nat(3).map((versions) => ({ do: 'putBack' as const, versions })) },
);
const bounds = fc.record({
  changesMax: fc.constantFrom(1, 3, 1_000),
  bytesMax: fc.constantFrom(1, 1_000_000),
  pageRows: fc.constantFrom(1, 2, 1_000),
  pageBytes: fc.constantFrom(1, 1_000_000),
});

describe('[MI-3] steps of a mirror', () => {
  it('whatever a room does in between, what is live is exactly the room at the version that it says, and it gets there', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), bounds, (actions, given) => {
        const room = new WrittenRoom();
        const kept = new KeptRows();
        const steps = new RoomSteps(model, given);
        const look = (): void => {
          const mark = kept.watermark;
          if (mark?.state === 'live') expect(kept.shown).toBe(sortedText(room.held.get(mark.hash ?? '') ?? 'never held'));
        };
        for (const one of actions) {
          if (one.do === 'commit') room.commit(one.changes);
          else if (one.do === 'turn') kept.turn(room, steps);
          else if (one.do === 'prune') room.prune();
          else if (one.do === 'retire') kept.retire();
          else if (one.do === 'putBack') room.putBack(one.versions);
          else room.restore();
          look();
        }
        for (let turns = 0; turns < 300 && steps.next(room.database, kept.watermark).kind !== 'level'; turns += 1) kept.turn(room, steps);
        expect(kept.watermark).toMatchObject({
          state: 'live',
          version: room.version,
          hash: room.hash,
          historyId: `h${room.history}`,
          position: null,
        });
        look();
        room.database.close();
      }),
      { numRuns: 300 },
    );
  });

  it('a room that is within the bounds is there after one step', () => {
    const room = new WrittenRoom();
    room.commit([
      ['one', 1, 1],
      ['two', 2, 1],
    ]);
    const step = new RoomSteps(model, { changesMax: 10, bytesMax: 10_000, pageRows: 10, pageBytes: 10_000 }).next(room.database, null);
    expect(step).toMatchObject({ kind: 'apply', next: { state: 'live', version: 1 } });
  });

  it('[MI-17] a file that was put back while it was being read is not taken for what was read of it', () => {
    const room = new WrittenRoom();
    const steps = new RoomSteps(model, { changesMax: 1, bytesMax: 1, pageRows: 10, pageBytes: 10_000 });
    const kept = new KeptRows();
    kept.turn(room, steps);
    room.commit([['one', 1, 1]]);
    room.commit([['one', 1, null]]);
    kept.turn(room, steps);
    expect(kept.watermark).toMatchObject({ state: 'syncing', version: 1 });
    room.putBack(1);
    room.commit([['one', 2, 2]]);
    expect(steps.next(room.database, kept.watermark)).toMatchObject({ kind: 'restart' });
  });

  it('[MI-17] a file that was put back and went on under its name is not taken for what it was, where that is known', () => {
    const room = new WrittenRoom();
    const steps = new RoomSteps(model, { changesMax: 10, bytesMax: 10_000, pageRows: 10, pageBytes: 10_000 });
    const kept = new KeptRows();
    room.commit([['one', 1, 1]]);
    room.commit([['one', 2, 2]]);
    kept.turn(room, steps);
    expect(kept.watermark).toMatchObject({ state: 'live', version: 2, hash: room.hash });
    const older = { ...kept.watermark, hash: null } as Watermark; // as a build left it that knew no hashes
    room.putBack(1);
    room.commit([['one', 3, 3]]);
    expect(steps.next(room.database, kept.watermark)).toMatchObject({ kind: 'restart' });
    expect(steps.next(room.database, older)).toMatchObject({ kind: 'level' });
    room.commit([['one', 4, 3]]);
    expect(steps.next(room.database, kept.watermark)).toMatchObject({ kind: 'restart' });
    expect(steps.next(room.database, older)).toMatchObject({ kind: 'apply', next: { version: 3, hash: room.hash } });
  });

  it('a file of another schema is told, not read', () => {
    const room = new WrittenRoom();
    room.database.prepare("INSERT INTO alcove_schemas VALUES (2, 'another', '{}', 0, 0)").run();
    const steps = new RoomSteps(model, { changesMax: 10, bytesMax: 10_000, pageRows: 10, pageBytes: 10_000 });
    expect([steps.next(room.database, null), steps.begin(room.database), steps.restart(room.database)].map(({ kind }) => kind)).toEqual([
      'outdated',
      'outdated',
      'outdated',
    ]);
  });

  it('a row that is too long is not loaded: the table and the key are told', () => {
    const room = new WrittenRoom();
    room.database.prepare("INSERT INTO one VALUES ('long', CAST(zeroblob(68000000) AS text))").run();
    const steps = new RoomSteps(model, { changesMax: 10, bytesMax: 10_000, pageRows: 10, pageBytes: 10_000 });
    expect(() => steps.next(room.database, null)).toThrow(/table one: the row \["long"\] has 68000004 bytes/);
  });
});
