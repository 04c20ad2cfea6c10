import type { Database, SqlValue } from '@alcove/core/sqlite/database';
import { fc } from '../fake/properties.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf } from './code-of.ts';
import { engines, missingEngines } from './engines.ts';

const number = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    1,
    -1,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 53 - 1,
    -(2 ** 53) + 1,
    2 ** 53,
    1e300,
    5e-324,
    1e-17,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ),
  fc.maxSafeInteger(),
  fc.integer(),
  fc.double(),
);
/** Any text, halves of characters and NUL too: refused then, and by all alike. */
const string = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '12', ' 7.5e3x', '\ufeff', 'NaN', 'a\0b', '\ud800'),
  fc.string().map((text) => `\ufeff${text}`),
);
/** No zero bytes: text that SQL makes of them is where @photostructure/sqlite differs, see the contract on values. */
const bytes = fc.uint8Array({ min: 1, maxLength: 12 });
const value: fc.Arbitrary<SqlValue> = fc.oneof(fc.constant(null), number, string, bytes);

const expressions = [
  '?1 + ?2',
  '?1 - ?2',
  '?1 * ?2',
  '?1 / ?2',
  '?1 % ?2',
  '?1 || ?2',
  '?1 & ?2',
  '?1 << 2',
  '-?1 || ?2',
  'NOT ?1 OR ?2',
  '?1 = ?2',
  '?1 < ?2',
  '?1 IS ?2',
  '?1 BETWEEN ?2 AND 9',
  'typeof(?1 + ?2)',
  'CAST(?1 AS INTEGER) + ?2',
  'CAST(?1 AS TEXT) || typeof(?2)',
  'CAST(?1 AS REAL) < ?2',
  'CAST(?1 AS NUMERIC) = ?2',
  'length(?1) + length(?2)',
  'quote(?1) || quote(?2)',
  'hex(?1) < hex(?2)',
  'round(?1, 2) = ?2',
  'coalesce(?1, ?2)',
  'min(?1, ?2)',
  'max(?1, ?2)',
  'nullif(?1, ?2)',
  'abs(?1) > ?2',
  'upper(?1) || lower(?2)',
  'substr(?1, 2) || ?2',
  "replace(?1, ?2, 'x')",
  'instr(?1, ?2)',
  'json_quote(CAST(?1 AS TEXT)) || ?2',
  'CASE WHEN ?1 THEN ?2 END',
  "?1 IN (?2, 1, 'a')",
  "printf('%s %d', ?1, ?2)",
  "iif(?1, ?2, 'no')",
  '(?1 COLLATE NOCASE) = ?2',
  'unicode(?1) = ?2',
  'trim(?1) || ?2',
];

describe('all engines answer alike', () => {
  let databases: { name: string; database: Database }[] = [];
  beforeAll(async () => {
    databases = await Promise.all(engines.map(async ({ name, open }) => ({ name, database: await open() })));
    for (const { database } of databases)
      database.exec('CREATE TABLE v (i integer, r real, t text, b blob, n numeric); CREATE UNIQUE INDEX u ON v (t)');
  });
  afterAll(() => {
    for (const { database } of databases) database.close();
  });

  /** What each engine answers: rows, or the code it refuses with. */
  const answers = (ask: (database: Database) => unknown): { name: string; answer: unknown }[] =>
    databases.map(({ name, database }) => {
      let answer: unknown;
      const code = codeOf(() => {
        answer = ask(database);
      });
      return { name, answer: code ?? answer };
    });
  const expectAlike = (given: { name: string; answer: unknown }[]): void => {
    const [first] = given;
    for (const other of given) expect({ ...other, name: '' }).toEqual({ ...first, name: '' });
  };

  test.skipIf(missingEngines.length > 0)('there are three of them', () => {
    expect(engines.map(({ name }) => name)).toEqual(['sqljs', 'better-sqlite3', 'photostructure']);
  });

  test('[DB-1][DB-2][DB-3][DB-4] to expressions over bound values', () => {
    fc.assert(
      fc.property(fc.constantFrom(...expressions), value, value, (expression, one, two) => {
        const params = expression.includes('?2') ? [one, two] : [one];
        expectAlike(answers((database) => database.prepare(`SELECT ${expression}, typeof(${expression})`).all(params)));
      }),
      { numRuns: 2000 },
    );
  });

  test('[DB-1][DB-3][DB-4][DB-19] to rows stored in typed columns, compared, sorted and changed', () => {
    const row = fc.tuple(value, value, value, value, value);
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), value, value, (rows, wanted, other) => {
        for (const { database } of databases) database.exec('DELETE FROM v');
        for (const values of rows) expectAlike(answers((database) => database.prepare('INSERT INTO v VALUES (?, ?, ?, ?, ?)').run(values)));
        for (const column of ['i', 'r', 't', 'b', 'n']) {
          expectAlike(
            answers((database) =>
              database
                .prepare(`SELECT rowid, typeof(${column}), quote(${column}) FROM v WHERE ${column} >= ? ORDER BY ${column}, rowid`)
                .all([wanted]),
            ),
          );
          expectAlike(answers((database) => [...database.prepare(`SELECT ${column} FROM v ORDER BY rowid`).iterate()]));
        }
        expectAlike(
          answers((database) => database.prepare('UPDATE v SET t = ? WHERE n IS ? OR i > 0 RETURNING t, b').all([wanted, other])),
        );
        expectAlike(answers((database) => database.prepare('SELECT count(*), sum(typeof(b) = ?), max(t) FROM v').get(['blob'])));
      }),
      { numRuns: 200 },
    );
  });
});
