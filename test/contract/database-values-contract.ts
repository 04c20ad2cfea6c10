import type { Database, SqlValue } from '@alcove/core/sqlite/database';
import { expect, test } from 'vitest';
import { codeOf } from './code-of.ts';

/** Values on their way in and out: the same on every engine, or refused on every engine. */
export function databaseValuesContract(databaseOf: () => Database): void {
  const typeAndValue = (value: SqlValue) => databaseOf().prepare('SELECT typeof(?1), ?1').get([value]);
  const roundTrip = (value: SqlValue): SqlValue | undefined => databaseOf().prepare('SELECT ?').get([value])?.[0];

  test('[DB-1] a safe integer binds as INTEGER, -0 as 0', () => {
    expect(
      databaseOf()
        .prepare('SELECT ?/2, ?/2')
        .get([5, 2 ** 33 + 1]),
    ).toEqual([2, 2 ** 32]);
    for (const value of [0, 1, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, 2 ** 52 + 1, 2 ** 53 - 1, -(2 ** 53) + 1]) {
      expect(typeAndValue(value)).toEqual(['integer', value]);
    }
    expect(typeAndValue(-0)).toEqual(['integer', 0]);
  });

  test('[DB-1] other numbers bind as REAL, unchanged to the last bit, NaN as NULL', () => {
    const numbers = [
      0.1,
      -0.1,
      1.5,
      2 ** 53,
      -(2 ** 53),
      1e21,
      1e300,
      -1e300,
      1.7976931348623157e308,
      2.2250738585072014e-308,
      5e-324,
      -5e-324,
      1e-17,
      -1e-17,
      2 ** -52,
      2 ** -53,
    ];
    for (const value of numbers) expect(typeAndValue(value)).toEqual(['real', value]);
    expect(typeAndValue(Number.POSITIVE_INFINITY)).toEqual(['real', Number.POSITIVE_INFINITY]);
    expect(typeAndValue(Number.NEGATIVE_INFINITY)).toEqual(['real', Number.NEGATIVE_INFINITY]);
    expect(typeAndValue(Number.NaN)).toEqual(['null', null]);
  });

  test('[DB-1] a number is the same whatever stands beside it, in columns and in comparisons', () => {
    const database = databaseOf();
    database.exec('CREATE TABLE n (i integer, r real, t text, b blob, u numeric)');
    const insert = database.prepare('INSERT INTO n VALUES (?, ?, ?, ?, ?)');
    for (const value of [7, 2 ** 40, 1e-20, 0.5]) insert.run([value, value, value, value, value]);
    const kinds = database.prepare('SELECT typeof(i), typeof(r), typeof(t), typeof(b), typeof(u) FROM n ORDER BY rowid').all();
    expect(kinds).toEqual([
      ['integer', 'real', 'text', 'integer', 'integer'],
      ['integer', 'real', 'text', 'integer', 'integer'],
      ['real', 'real', 'text', 'real', 'real'],
      ['real', 'real', 'text', 'real', 'real'],
    ]);
    expect(database.prepare('SELECT t FROM n ORDER BY rowid').all()).toEqual([['7'], ['1099511627776'], ['1.0e-20'], ['0.5']]);
    // A bound value has no affinity: against a text column it is compared as text, whatever its size.
    const equal = database.prepare('SELECT count(*) FROM n WHERE t = ?');
    expect([7, 2 ** 40, 1e-20, 0.5].map((value) => equal.get([value])?.[0])).toEqual([1, 1, 1, 1]);
    expect(database.prepare('SELECT i FROM n WHERE i IN (?, ?) ORDER BY i LIMIT ? OFFSET ?').all([7, 2 ** 40, 2 ** 33, 1])).toEqual([
      [2 ** 40],
    ]);
  });

  test('[DB-2] an INTEGER that a number cannot hold fails the read and is never rounded', () => {
    const database = databaseOf();
    database.exec('CREATE TABLE big (id integer PRIMARY KEY, v integer)');
    database.exec('INSERT INTO big VALUES (1, 9007199254740991), (2, 9007199254740992), (3, -9007199254740993), (4, 9223372036854775807)');
    expect(database.prepare('SELECT v FROM big WHERE id = 1').all()).toEqual([[2 ** 53 - 1]]);
    for (const id of [2, 3, 4]) {
      const statement = database.prepare('SELECT id, v FROM big WHERE id = ?');
      expect(codeOf(() => statement.get([id]))).toBe('sql_failed');
      expect(codeOf(() => statement.all([id]))).toBe('sql_failed');
      expect(codeOf(() => [...statement.iterate([id])])).toBe('sql_failed');
    }
    expect(codeOf(() => database.prepare('UPDATE big SET v = v RETURNING v').all())).toBe('sql_failed');
    expect(codeOf(() => database.prepare('SELECT ?, 9007199254740993').get([2 ** 60]))).toBe('sql_failed');
    // Nothing hangs after it, and large REALs are no INTEGERs.
    expect(database.prepare('SELECT v + 0.5, CAST(v AS TEXT) FROM big WHERE id = 4').get()).toEqual([2 ** 63, '9223372036854775807']);
    expect(database.prepare('SELECT count(*) FROM big').get()).toEqual([4]);
  });

  test('[DB-2] 2^53 stored into an INTEGER column becomes one and cannot be read back', () => {
    const database = databaseOf();
    database.exec('CREATE TABLE big (v integer)');
    database.prepare('INSERT INTO big VALUES (?)').run([2 ** 53]);
    expect(codeOf(() => database.prepare('SELECT v FROM big').all())).toBe('sql_failed');
  });

  test('[DB-3] text comes back unchanged', () => {
    const long = 'a'.repeat(40);
    const texts = [
      '',
      'a',
      'ü',
      '👩‍🚀 family 👨‍👩‍👧',
      '\u2028\u2029',
      '\u202eright',
      '\ufffd',
      '\ufeff',
      '\ufeffshort',
      `\ufeff${long}`,
      `${long}\ufeff${long}`,
      'x'.repeat(1_000_000),
      '\u0001\u001f\u007f',
      "';--",
      '\u{10ffff}',
    ];
    for (const text of texts) expect(roundTrip(text) === text, JSON.stringify(text.slice(0, 50))).toBe(true);
    const database = databaseOf();
    database.exec('CREATE TABLE t (a text)');
    for (const text of texts) {
      database.prepare('DELETE FROM t').run();
      database.prepare('INSERT INTO t VALUES (?)').run([text]);
      expect([...database.prepare('SELECT a FROM t WHERE a = ?').iterate([text])][0]?.[0] === text, JSON.stringify(text.slice(0, 50))).toBe(
        true,
      );
    }
  });

  test('[DB-3] text with NUL or half a surrogate pair is refused, as a value and in SQL', () => {
    const database = databaseOf();
    for (const text of ['\0', 'a\0b', 'a\ud800', '\udc00', '\udc00\ud800', 'x\ud83dy']) {
      expect(
        codeOf(() => roundTrip(text)),
        JSON.stringify(text),
      ).toBe('sql_failed');
      expect(
        codeOf(() => database.prepare(`SELECT '${text}'`)),
        JSON.stringify(text),
      ).toBe('sql_failed');
      expect(
        codeOf(() => database.exec(`CREATE TABLE t (a text DEFAULT '${text}')`)),
        JSON.stringify(text),
      ).toBe('sql_failed');
    }
  });

  test('[DB-3] text with NUL that SQL itself made cannot be read, where the engine tells its length', () => {
    const database = databaseOf();
    const made = database.prepare('SELECT CAST(? AS TEXT)');
    const read = [
      () => made.all([new Uint8Array([65, 0, 66])]),
      () => made.get([new Uint8Array([0])]),
      () => [...made.iterate([new Uint8Array([65, 0])])],
    ];
    // @photostructure/sqlite hands out what stands before the NUL.
    const expected = database.engine === 'photostructure' ? undefined : 'sql_failed';
    expect(read.map(codeOf)).toEqual([expected, expected, expected]);
    expect(database.prepare('SELECT length(CAST(?1 AS BLOB)), hex(CAST(?1 AS TEXT))').get([new Uint8Array([65, 0, 66])])).toEqual([
      3,
      '410042',
    ]);
  });

  test('[DB-4] blobs come back byte-equal as plain Uint8Arrays of their own', () => {
    const large = new Uint8Array(1_000_003).map((_, index) => index % 251);
    for (const blob of [new Uint8Array(0), new Uint8Array([0]), new Uint8Array([255, 0, 128]), large]) {
      expect(databaseOf().prepare('SELECT typeof(?1), length(?1)').get([blob])).toEqual(['blob', blob.length]);
      const back = roundTrip(blob);
      expect(Object.getPrototypeOf(back)).toBe(Uint8Array.prototype);
      expect(back instanceof Uint8Array && back.length === blob.length && back.every((byte, index) => byte === blob[index])).toBe(true);
    }
    const view = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
    expect(roundTrip(view)).toEqual(new Uint8Array([1, 2, 3]));
    expect(roundTrip(Buffer.from([7, 8]))).toEqual(new Uint8Array([7, 8]));
  });

  test('[DB-4] blobs alias nothing: not the one that was bound, not another row, not the engine', () => {
    const database = databaseOf();
    database.exec('CREATE TABLE b (v blob)');
    const bound = new Uint8Array([1, 2, 3]);
    const insert = database.prepare('INSERT INTO b VALUES (?)');
    insert.run([bound]);
    bound.fill(0);
    insert.run([new Uint8Array([4, 5, 6])]);
    const select = database.prepare('SELECT v FROM b ORDER BY rowid');
    const rows = select.all();
    const again = select.all();
    const [iterated] = [...select.iterate()];
    const [[first] = []] = rows;
    if (first instanceof Uint8Array) first.fill(9);
    database.exec('DELETE FROM b');
    expect([rows, again, iterated]).toEqual([
      [[new Uint8Array([9, 9, 9])], [new Uint8Array([4, 5, 6])]],
      [[new Uint8Array([1, 2, 3])], [new Uint8Array([4, 5, 6])]],
      [new Uint8Array([1, 2, 3])],
    ]);
  });

  test('[DB-5] other values, and another number of them than parameters, are refused', () => {
    const database = databaseOf();
    const one = database.prepare('SELECT ?');
    for (const value of [
      undefined,
      true,
      false,
      5n,
      new Date(0),
      {},
      [],
      [1],
      new ArrayBuffer(2),
      new Uint16Array(2),
      new DataView(new ArrayBuffer(2)),
      () => 1,
      Symbol('s'),
    ]) {
      const params = [value as never]; // callers in JavaScript are not held by the types
      for (const use of [() => one.run(params), () => one.all(params), () => one.get(params), () => one.iterate(params)])
        expect(codeOf(use)).toBe('sql_failed');
    }
    for (const params of [[], [1, 2]]) {
      expect(codeOf(() => one.get(params))).toBe('sql_failed');
      expect(codeOf(() => database.prepare('SELECT ?2').get(params.slice(1)))).toBe('sql_failed');
    }
    expect(codeOf(() => database.prepare('SELECT 1').all([1]))).toBe('sql_failed');
    expect(database.prepare('SELECT ?2, ?1, ?, ?2').all(['a', 'b', 'c'])).toEqual([['b', 'a', 'c', 'b']]);
    expect(database.prepare('SELECT ?3').all(['a', 'b', 'c'])).toEqual([['c']]);
  });

  test('[DB-6] "…" is a name and never a string', () => {
    const database = databaseOf();
    database.exec('CREATE TABLE "odd ""name`" ("a`b" text, "c""d" text)');
    database.prepare('INSERT INTO "odd ""name`" ("a`b", "c""d") VALUES (?, ?)').run(['x', 'y']);
    const select = database.prepare('SELECT "a`b", "c""d" AS "e""f", "a`b" || "c""d" FROM "odd ""name`"');
    expect(select.all()).toEqual([['x', 'y', 'xy']]);
    expect(select.columns).toEqual(['a`b', 'e"f', '"a`b" || "c""d"']);
    expect(codeOf(() => database.prepare('SELECT "nowhere"'))).toBe('sql_failed');
    expect(codeOf(() => database.prepare('SELECT 1 FROM "odd ""name`" WHERE "a`b" = "x"'))).toBe('sql_failed');
    expect(codeOf(() => database.exec('INSERT INTO "odd ""name`" VALUES ("x", "y")'))).toBe('sql_failed');
  });
}
