import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { QueryBench } from '../../../../test/fake/query-bench.ts';

const word = fc.constantFrom(
  'l1',
  'l2',
  'l3',
  't1',
  't2',
  't3',
  't4',
  't5',
  'red',
  'blue',
  'alpha',
  'Beta',
  'ä',
  '\u{1F600}',
  '\uFB01',
  '',
);
const count = fc.constantFrom(-1, 0, 1, 2, 3, 0.5, 2.5);
const column = fc.constantFrom('id', 'list_id', 'title', 'done', 'rank', 'weight', 'note');
const constant = fc.oneof(word, count, fc.constant(null));
const comparison = fc.constantFrom('=', '==', '<', '<=', '>', '>=', '<>', 'IS', 'IS NOT', 'LIKE');

interface Piece {
  readonly sql: string;
  readonly params: readonly (string | number | null)[];
}

const join = (pieces: readonly Piece[], by: string): Piece => ({
  sql: pieces.map((piece) => piece.sql).join(by),
  params: pieces.flatMap((piece) => piece.params),
});
const wrap = (piece: Piece, before: string, after: string): Piece => ({ ...piece, sql: before + piece.sql + after });

const simple = (alias: string): fc.Arbitrary<Piece> =>
  fc.oneof(
    fc.tuple(column, comparison, constant).map(([name, op, value]): Piece => ({ sql: `${alias}.${name} ${op} ?`, params: [value] })),
    fc.tuple(column, comparison, constant).map(([name, op, value]): Piece => ({ sql: `? ${op} "${alias}"."${name}"`, params: [value] })),
    fc
      .tuple(column, fc.array(constant, { minLength: 1, maxLength: 3 }))
      .map(([name, values]): Piece => ({ sql: `${alias}.${name} IN (${values.map(() => '?').join(', ')})`, params: values })),
    fc.tuple(column, constant, constant).map(([name, a, b]): Piece => ({ sql: `${alias}.${name} BETWEEN ? AND ?`, params: [a, b] })),
    fc
      .tuple(
        column,
        fc.constantFrom('IS NULL', 'IS NOT NULL', 'NOTNULL', 'ISNULL', '+ 0 = 1', `|| 'x' = 'redx'`, "COLLATE NOCASE = 'alpha'"),
      )
      .map(([name, op]): Piece => ({ sql: `${alias}.${name} ${op}`, params: [] })),
    fc.tuple(column, column).map(([a, b]): Piece => ({ sql: `${alias}.${a} = ${alias}.${b}`, params: [] })),
  );
const where = (alias: string): fc.Arbitrary<Piece> =>
  fc
    .tuple(nested(alias), simple(alias), nested(alias), fc.constantFrom('', ' AND x', ' AND x OR y', ' OR x AND y'))
    .map(([first, second, third, form]) => {
      if (form === '') return first;
      const [by, also] = form.startsWith(' AND') ? [' AND ', ' OR '] : [' OR ', ' AND '];
      return form.endsWith('y') ? wrap(join([join([first, second], by), third], also), '', '') : join([first, second], by);
    });
const nested = (alias: string): fc.Arbitrary<Piece> =>
  fc.letrec<{ all: Piece; leaf: Piece }>((tie) => ({
    leaf: simple(alias),
    all: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      tie('leaf'),
      fc
        .tuple(fc.array(tie('all'), { minLength: 2, maxLength: 3 }), fc.constantFrom(' AND ', ' AND ', ' OR '))
        .map(([pieces, by]) => wrap(join(pieces, by), '(', ')')),
      tie('all').map((piece) => wrap(piece, 'NOT (', ')')),
      tie('leaf').map((piece) => wrap(piece, 'CASE WHEN ', ' THEN 1 ELSE 0 END = 1')),
    ),
  })).all;

const query: fc.Arbitrary<Piece> = fc.oneof(
  where('t').map((piece) => wrap(piece, 'SELECT t.id, t.title, t.rank FROM tasks t WHERE ', ' ORDER BY t.id')),
  where('tasks').map((piece) => wrap(piece, 'SELECT count(*), sum(rank), group_concat(loud) FROM tasks WHERE ', ' LIMIT 3')),
  where('t').map((piece) => wrap(piece, 'SELECT t.id, l.name FROM tasks AS t JOIN lists l ON t.list_id = l.id WHERE ', ' ORDER BY t.id')),
  where('t').map((piece) =>
    wrap(
      piece,
      'SELECT l.id, t.id, g.tag FROM lists l LEFT JOIN tasks t ON t.list_id = l.id LEFT JOIN tags g ON g.task_id = t.id WHERE ',
      ' ORDER BY 1, 2, 3',
    ),
  ),
  where('t').map((piece) =>
    wrap(piece, 'SELECT t.id, l.id FROM lists l RIGHT JOIN tasks t ON t.list_id = l.id AND t.done = 0 WHERE ', ' ORDER BY 1, 2'),
  ),
  where('a').map((piece) => wrap(piece, 'SELECT a.id, b.id FROM tasks a, tasks b WHERE a.list_id = b.list_id AND ', ' ORDER BY 1, 2')),
  fc
    .tuple(where('t'), word)
    .map(([piece, tag]) =>
      wrap(
        { ...piece, params: [...piece.params, tag] },
        'SELECT t.id, g.strength FROM tasks t JOIN tags g ON g.task_id = t.id WHERE ',
        ' AND g.tag = ? ORDER BY 1, 2',
      ),
    ),
  where('t').map((piece) =>
    wrap(piece, 'SELECT id FROM lists WHERE EXISTS (SELECT 1 FROM tasks t WHERE t.list_id = lists.id AND ', ') ORDER BY id'),
  ),
  where('t').map((piece) =>
    wrap(piece, 'WITH x AS (SELECT * FROM tasks t WHERE ', ') SELECT list_id, count(*) FROM x GROUP BY 1 HAVING count(*) > 0 ORDER BY 1'),
  ),
  where('t').map((piece) => wrap(piece, 'SELECT id FROM tasks t WHERE ', ' UNION SELECT id FROM lists ORDER BY 1')),
  where('t').map((piece) =>
    wrap(piece, 'SELECT t.id, row_number() OVER (PARTITION BY list_id ORDER BY t.id) FROM tasks t WHERE ', ' ORDER BY 1'),
  ),
);

const change: fc.Arbitrary<Piece> = fc.oneof(
  fc
    .tuple(
      column.filter((name) => name !== 'id'),
      constant,
      word,
    )
    .map(([name, value, id]): Piece => ({ sql: `UPDATE OR IGNORE tasks SET ${name} = ? WHERE id = ?`, params: [value, id] })),
  fc
    .tuple(
      column.filter((name) => name !== 'id'),
      constant,
    )
    .map(([name, value]): Piece => ({ sql: `UPDATE OR IGNORE tasks SET ${name} = ?`, params: [value] })),
  fc.tuple(word, word, word, count).map(
    ([id, list, title, rank]): Piece => ({
      sql: `INSERT OR REPLACE INTO tasks (id, list_id, title, rank, note) SELECT ?, id, ?, ?, iif(rowid % 2, 'n', NULL) FROM lists WHERE id = ?`,
      params: [id, title, rank, list],
    }),
  ),
  fc.tuple(word, word).map(([id, to]): Piece => ({ sql: `UPDATE OR IGNORE tasks SET id = ? WHERE id = ?`, params: [to, id] })),
  word.map((id): Piece => ({ sql: 'DELETE FROM tasks WHERE id = ?', params: [id] })),
  word.map((id): Piece => ({ sql: 'DELETE FROM lists WHERE id = ?', params: [id] })),
  fc.tuple(word, word).map(([id, name]): Piece => ({ sql: 'INSERT OR IGNORE INTO lists (id, name) VALUES (?, ?)', params: [id, name] })),
  fc.tuple(word, word).map(
    ([id, tag]): Piece => ({
      sql: 'INSERT OR REPLACE INTO tags (task_id, tag, strength) SELECT id, ?, 2 FROM tasks WHERE id = ?',
      params: [tag, id],
    }),
  ),
);

describe('any query, any change', () => {
  it('[QR-10] shows what running every query again would show', () => {
    fc.assert(
      fc.property(
        fc.array(query, { minLength: 1, maxLength: 12 }),
        fc.array(change, { minLength: 1, maxLength: 12 }),
        (queries, changes) => {
          const bench = new QueryBench();
          for (const [index, { sql, params }] of queries.entries()) bench.watch(`q${index}`, sql, params);
          for (const { sql, params } of changes) {
            try {
              bench.change(sql, params);
            } catch {
              continue; // a constraint of the schema: nothing changed
            }
            for (const [index, own] of queries.entries())
              expect(bench.pages.get(`q${index}`), own.sql).toEqual(bench.again(own.sql, own.params));
          }
          bench.database.close();
        },
      ),
      { numRuns: 120 },
    );
  });
});
