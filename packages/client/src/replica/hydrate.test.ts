import { createHash } from 'node:crypto';
import { roomDdl } from '@alcove/core/schema/ddl';
import { IMAGE_HEADERS } from '@alcove/core/protocol/image-headers';
import type { ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Database } from '@alcove/core/sqlite/database';
import initSqlJs from 'sql.js';
import { describe, expect, it } from 'vitest';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';
import { ImageHydration, type ReceivedImage } from './hydrate-image.ts';
import { RowsHydration } from './hydrate-rows.ts';
import { openSqljsDatabase } from './sqljs-database.ts';

const sqlJs = await initSqlJs();
const { model } = tasksRoom;

describe('a snapshot as rows', () => {
  const tables = (lists: number, steps: number) =>
    model.tables.map(({ name }) => ({ table: name, rows: name === 'lists' ? lists : name === 'steps' ? steps : 0 }));
  const begin = (change: Partial<ServerMessageOf<'snapshotBegin'>> = {}): ServerMessageOf<'snapshotBegin'> => ({
    type: 'snapshotBegin',
    historyId: 'h',
    version: 7,
    schema: model.schemaId,
    hash: 'x',
    tables: tables(3, 1),
    ...change,
  });
  const lists = (index: number, ids: readonly string[]): ServerMessageOf<'snapshotRows'> => ({
    type: 'snapshotRows',
    index,
    rows: { table: 'lists', columns: ['id', 'name', 'color'], cells: [ids, ids.map((id) => `name of ${id}`), ids.map(() => 'blue')] },
  });
  const steps = (index: number): ServerMessageOf<'snapshotRows'> => ({
    type: 'snapshotRows',
    index,
    rows: { table: 'steps', columns: ['id', 'task_id', 'label'], cells: [[1], ['nowhere'], ['first']] },
  });
  const end = (chunks: number, rows: number): ServerMessageOf<'snapshotEnd'> => ({ type: 'snapshotEnd', chunks, rows });
  const open = (message = begin()): RowsHydration => new RowsHydration(message, model, () => openSqljsDatabase(sqlJs));
  const work = (hydration: RowsHydration): void => {
    while (hydration.hasWork) hydration.step();
  };

  it('[QR-11] becomes a database with indexes and capture, one piece at a time', () => {
    const hydration = open();
    expect(hydration.rowsTotal).toBe(4);
    hydration.take(lists(0, ['a', 'b']));
    work(hydration);
    expect([hydration.rows, hydration.isDone]).toEqual([2, false]);
    hydration.take(lists(1, ['c']));
    hydration.take(steps(2));
    hydration.end(end(3, 4));
    let pieces = 0;
    for (; hydration.hasWork; pieces++) hydration.step();
    expect(pieces).toBeGreaterThan(5);
    expect(hydration.isDone).toBe(true);
    const fresh = openSqljsDatabase(sqlJs);
    for (const sql of roomDdl(model, { serverOnly: false })) fresh.exec(sql);
    const objects = (database: Database) =>
      database.prepare("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'alcove_c%' ORDER BY 2").all();
    expect(objects(hydration.database)).toEqual(objects(fresh));
    expect(hydration.database.prepare('SELECT id FROM lists ORDER BY id').all()).toEqual([['a'], ['b'], ['c']]);
    expect(() => hydration.database.prepare("INSERT INTO tasks (id, list_id, title) VALUES ('t', 'nowhere', 't')").run()).toThrowError(
      expect.objectContaining({ code: 'constraint_failed' }),
    );
  });

  it.each<[string, (hydration: RowsHydration) => void]>([
    ['a chunk that comes too early', (hydration) => hydration.take(lists(1, ['a']))],
    ['a chunk that comes twice', (hydration) => [0, 0].forEach((index) => hydration.take(lists(index, ['a'])))],
    ['a chunk that is missing', (hydration) => hydration.end(end(1, 4))],
    ['another count of rows', (hydration) => hydration.end(end(0, 5))],
    [
      'a chunk behind the end',
      (hydration) => {
        hydration.end(end(0, 4));
        hydration.take(lists(0, ['a']));
      },
    ],
    [
      'more rows of a table than announced',
      (hydration) => {
        hydration.take(lists(0, ['a', 'b', 'c', 'd']));
        work(hydration);
      },
    ],
    [
      'fewer rows of a table than announced',
      (hydration) => {
        hydration.take(lists(0, ['a', 'b', 'c']));
        hydration.end(end(1, 4));
        work(hydration);
      },
    ],
  ])('refuses %s', (_what, run) => {
    const hydration = open();
    expect(() => run(hydration)).toThrowError(expect.objectContaining({ code: 'snapshot_failed' }));
    hydration.abandon();
  });

  it.each<[string, Partial<ServerMessageOf<'snapshotBegin'>>]>([
    ['another schema', { schema: 'other' }],
    ['a table too few', { tables: tables(1, 1).slice(1) }],
    ['a table twice', { tables: [...tables(1, 1), { table: 'lists', rows: 1 }] }],
    ['an unknown table', { tables: [...tables(1, 1).slice(1), { table: 'nonsense', rows: 1 }] }],
  ])('refuses %s', (_what, change) => {
    expect(() => open(begin(change))).toThrowError(expect.objectContaining({ code: 'snapshot_failed' }));
  });

  it.each(['rows twice', 'a key twice'])('refuses %s', (what) => {
    const hydration = open();
    hydration.take(lists(0, what === 'rows twice' ? ['a', 'a'] : ['a', 'b']));
    hydration.take(lists(1, ['b']));
    expect(() => work(hydration)).toThrowError(expect.objectContaining({ code: 'constraint_failed' }));
  });
});

describe('a snapshot as an image', () => {
  function imageBytes(sqls: readonly string[]): Uint8Array {
    const database = openSqljsDatabase(sqlJs);
    for (const sql of sqls) database.exec(sql);
    const bytes = database.exportImage();
    database.close();
    return bytes;
  }
  const bytes = imageBytes([...roomDdl(model, { serverOnly: false }), "INSERT INTO lists (id, name) VALUES ('a', 'one')"]);
  const received = (
    image: Uint8Array,
    change: Partial<Record<keyof typeof IMAGE_HEADERS, string | null>> = {},
    sha256?: string,
  ): ReceivedImage => {
    const headers = {
      historyId: 'h',
      version: '7',
      hash: 'x',
      schema: model.schemaId,
      view: 'v',
      bytes: String(image.length),
      sha256: createHash('sha256').update(image).digest('hex'),
      ...change,
    };
    const byName = new Map(Object.entries(headers).map(([name, value]) => [IMAGE_HEADERS[name as keyof typeof IMAGE_HEADERS], value])); // keys of headers
    return { bytes: image, header: (name) => byName.get(name as never) ?? null, ...(sha256 === undefined ? {} : { sha256 }) }; // any name may be asked
  };
  const hydrate = (image: ReceivedImage): ImageHydration => {
    const hydration = new ImageHydration(image, model, (file) => openSqljsDatabase(sqlJs, file));
    for (let pieces = 0; hydration.database === null && pieces < 1_000; pieces++) hydration.step();
    return hydration;
  };

  it('is opened with capture, at the position its headers name', () => {
    const { database, position } = hydrate(received(bytes));
    expect(position).toEqual({ historyId: 'h', version: 7, hash: 'x', view: 'v' });
    expect(database?.prepare('SELECT id FROM lists').all()).toEqual([['a']]);
    expect(database?.prepare("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").get()?.[0]).toBeGreaterThan(0);
    expect(hydrate(received(bytes, {}, createHash('sha256').update(bytes).digest('hex'))).database).not.toBeNull();
  });

  it.each<[string, () => ReceivedImage]>([
    [
      'one flipped bit',
      () => received(bytes.with(5_000, bytes[5_000] === 0 ? 1 : 0), { sha256: createHash('sha256').update(bytes).digest('hex') }),
    ],
    ['a checksum the platform made of other bytes', () => received(bytes, {}, '0'.repeat(64))],
    ['missing bytes', () => received(bytes.slice(0, -1), { bytes: String(bytes.length) })],
    ['a missing header', () => received(bytes, { hash: null })],
    ['a version that is none', () => received(bytes, { version: '-1' })],
    ['another schema in the headers', () => received(bytes, { schema: 'other' })],
    ['another schema in the file', () => received(imageBytes(roomDdl(model, { serverOnly: false }).slice(0, 2)))],
    ['no database at all', () => received(new Uint8Array(4_096).fill(7))],
  ])('[CN-12] refuses %s', (_what, image) => {
    expect(() => hydrate(image())).toThrowError(expect.objectContaining({ code: 'snapshot_failed' }));
  });
});
