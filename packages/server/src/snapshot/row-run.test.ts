import { blob, integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { customType } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { Capture } from '@alcove/core/change/capture';
import { installCapture } from '@alcove/core/change/install-capture';
import { defineRoom } from '@alcove/core/schema/define-room';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database, Row, SqlValue } from '@alcove/core/sqlite/database';
import { engines } from '../../../../test/contract/engines.ts';
import { Prng } from '../../../../test/fake/prng.ts';
import { SEES_ALL } from '../access/reader-class.ts';
import { RowRun } from './row-run.ts';

/** Of those who see all. */
const SIGHT = { readerClass: SEES_ALL, readers: { rowsFor: (_: string, rows: readonly Row[]) => rows } };
const nocase = customType<{ data: string }>({ dataType: () => 'text COLLATE NOCASE' });
const room = defineRoom({
  name: 'wild',
  schema: {
    words: sqliteTable('words', { word: nocase('word').primaryKey(), n: integer() }),
    pairs: sqliteTable('pairs', { a: real().notNull(), b: blob({ mode: 'buffer' }).notNull(), n: integer() }, (t) => [
      primaryKey({ columns: [t.a, t.b] }),
    ]),
    plain: sqliteTable('plain', { id: integer().primaryKey(), n: integer() }),
    empty: sqliteTable('empty', { id: text().primaryKey() }),
  },
  withoutRowid: ['pairs'],
});

const all = (database: Database): string[] =>
  ['words', 'pairs', 'plain', 'empty', 'alcove_values']
    .flatMap((table) =>
      database
        .prepare(`SELECT * FROM ${table}`)
        .all()
        .map((row) => JSON.stringify([table, row])),
    )
    .sort();

const WORDS = ['a', 'A', 'b', 'Zz', 'zZ', 'é', '\u{10000}', '\uffee', '', 'm', 'M'];

function wildWrite(database: Database, prng: Prng, n: number): void {
  const word = prng.pick(WORDS) + prng.pick(['', '1', '2', '3']);
  const a = prng.pick([-1.5, 0, 1, 2.5, 1e10]);
  const b = Uint8Array.from([prng.int(0, 3)]);
  const id = prng.int(-20, 20);
  const [sql, params] = prng.pick<[string, SqlValue[]]>([
    ['INSERT OR REPLACE INTO words VALUES (?, ?)', [word, n]],
    ['DELETE FROM words WHERE word = ?', [word]],
    ['UPDATE OR REPLACE words SET word = ? WHERE word = ?', [word, prng.pick(WORDS)]],
    ['INSERT OR REPLACE INTO pairs VALUES (?, ?, ?)', [a, b, n]],
    ['DELETE FROM pairs WHERE a = ?', [a]],
    ['INSERT OR REPLACE INTO plain VALUES (?, ?)', [id, n]],
    ['UPDATE OR REPLACE plain SET id = ? WHERE id = ?', [prng.int(-20, 20), id]],
    ['DELETE FROM plain WHERE id = ?', [id]],
  ]);
  database.prepare(sql).run(params);
}

describe.each(engines)('a run over all rows, on $name', ({ open }) => {
  it('[CS-12] gives exactly the rows of its version, whatever is committed between chunks, whatever the keys', async () => {
    for (let seed = 0; seed < 25; seed++) {
      const prng = new Prng(`row-run ${seed}`);
      const database = await open();
      for (const sql of roomDdl(room.model, { serverOnly: true })) database.exec(sql);
      installCapture(database, room.model);
      const capture = new Capture(database, room.model);
      capture.start();
      for (let n = 0; n < 80; n++) wildWrite(database, prng, n);
      capture.take();
      const expected = all(database);
      const bounds = { snapshotChunkRowsMax: prng.int(1, 6), snapshotChunkBytesMax: prng.pick([40, 1_000_000]) };
      let run = new RowRun(database, room.model, bounds, SIGHT);
      const counted = run.tables.reduce((sum, { rows }) => sum + rows, 0);
      const given: string[] = [];
      for (let chunk = run.next(); chunk !== null; chunk = run.next()) {
        expect(chunk.rows.length).toBeGreaterThan(0);
        given.push(...chunk.rows.map((row) => JSON.stringify([chunk?.table, row])));
        for (let n = prng.int(0, 4); n > 0; n--) {
          database.transaction(() => {
            for (let writes = prng.int(1, 3); writes > 0; writes--) wildWrite(database, prng, 1_000 + n);
            run.observe(capture.take());
          });
        }
        if (prng.chance(0.2)) run = run.fork();
      }
      expect(given.sort(), `seed ${seed}`).toEqual(expected);
      expect(run.given).toBe(counted);
      database.close();
    }
  });
});
