import { installCapture } from '@alcove/core/change/install-capture';
import { roomDdl } from '@alcove/core/schema/ddl';
import initSqlJs from 'sql.js';
import { expect, it } from 'vitest';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';
import { openSqljsDatabase } from '../replica/sqljs-database.ts';
import { schemaMapOf } from './schema-map.ts';

const sqljs = await initSqlJs();

it('[QR-16] tells the columns of every table and index as their records hold them, and nothing of what captures', () => {
  const database = openSqljsDatabase(sqljs);
  database.exec(`
    CREATE TABLE plain (a TEXT PRIMARY KEY, b INTEGER, twice INTEGER GENERATED ALWAYS AS (b * 2) VIRTUAL, kept INTEGER GENERATED ALWAYS AS (b * 3) STORED);
    CREATE INDEX plain_b ON plain (b, a);
    CREATE INDEX plain_part ON plain (b) WHERE a <> '';
    CREATE INDEX plain_lower ON plain (lower(a));
    CREATE TABLE numbered (id INTEGER PRIMARY KEY, x);
    CREATE TABLE bare (x, y, z, PRIMARY KEY (z, x)) WITHOUT ROWID;
    CREATE UNIQUE INDEX bare_y ON bare (y);`);
  const roots = new Map(
    database
      .prepare('SELECT rootpage, name FROM sqlite_schema')
      .all()
      .map(([rootPage, name]) => [Number(rootPage), String(name)]),
  );
  const found = Object.fromEntries([...schemaMapOf(database)].map(([rootPage, tree]) => [roots.get(rootPage), tree]));
  const tree = (table: string, columns: (string | null)[]) => ({ table, isIndex: false, columns, keyColumns: [], opaque: false });
  const index = (table: string, columns: (string | null)[], keyColumns: string[], opaque = false) => ({
    table,
    isIndex: true,
    columns,
    keyColumns,
    opaque,
  });
  expect(found).toEqual({
    plain: tree('plain', ['a', 'b', 'kept']),
    sqlite_autoindex_plain_1: index('plain', ['a', null], ['a']),
    plain_b: index('plain', ['b', 'a', null], ['b', 'a']),
    plain_part: index('plain', ['b', null], ['b'], true),
    plain_lower: index('plain', [null, null], [], true),
    numbered: tree('numbered', ['id', 'x']),
    bare: { ...tree('bare', ['z', 'x', 'y']), keyColumns: ['z', 'x'] },
    bare_y: index('bare', ['y', 'z', 'x'], ['y']),
  });
  database.close();
});

it('[QR-16] leaves out the tables that capture makes', () => {
  const database = openSqljsDatabase(sqljs);
  for (const sql of roomDdl(tasksRoom.model, { serverOnly: false })) database.exec(sql);
  const before = [...schemaMapOf(database)];
  installCapture(database, tasksRoom.model);
  expect([...schemaMapOf(database)]).toEqual(before);
  database.close();
});
