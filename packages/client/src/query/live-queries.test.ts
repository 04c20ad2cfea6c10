import { Capture } from '@alcove/core/change/capture';
import { installCapture } from '@alcove/core/change/install-capture';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database, Row } from '@alcove/core/sqlite/database';
import fc from 'fast-check';
import initSqlJs from 'sql.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';
import { openSqljsDatabase } from '../replica/sqljs-database.ts';
import { LiveQueries, type QueryNews } from './live-queries.ts';
import { applyRowsUpdate } from '../page/apply-rows-update.ts';

const LIMITS = { liveQueriesMax: 100, resultRowsMax: 1_000 };
let sqlJs: Awaited<ReturnType<typeof initSqlJs>>;
beforeAll(async () => {
  sqlJs = await initSqlJs();
});

/** A replica's database without a replica: changes come from SQL. */
class Bench {
  readonly database: Database = openSqljsDatabase(sqlJs);
  readonly queries = new LiveQueries(tasksRoom.model, LIMITS);
  readonly pages = new Map<string, readonly Row[]>();
  readonly #capture: Capture;
  runs = 0;

  constructor(seedSql: readonly string[] = SEED) {
    for (const sql of roomDdl(tasksRoom.model, { serverOnly: false })) this.database.exec(sql);
    installCapture(this.database, tasksRoom.model);
    for (const sql of seedSql) this.database.exec(sql);
    this.#capture = new Capture(this.database, tasksRoom.model);
    this.#capture.start();
    this.queries.attach(this.database);
  }

  watch(queryId: string, sql: string, params: Row = []): void {
    this.queries.watch(queryId, sql, params);
    this.settle();
  }

  /** Changes rows, and answers with the ids that had news. */
  change(sql: string, params: Row = []): string[] {
    const changes = this.database.transaction(() => {
      this.database.prepare(sql).run(params);
      return this.#capture.take();
    });
    this.queries.invalidate(changes);
    this.runs = this.queries.due().size;
    return this.settle().map((news) => news.queryId);
  }

  settle(): QueryNews[] {
    while (this.queries.hasDue) this.queries.runNext();
    const news = this.queries.takeNews();
    for (const { queryId, update } of news) {
      if (update !== null)
        this.pages.set(
          queryId,
          applyRowsUpdate(this.pages.get(queryId) ?? [], update, (rows) => rows),
        );
    }
    return news;
  }

  again(sql: string, params: Row = []): Row[] {
    return this.database.prepare(sql).all(params);
  }
}

const SEED = [
  `INSERT INTO lists (id, name) VALUES ('l1', 'one'), ('l2', 'two'), ('l3', 'three')`,
  `INSERT INTO tasks (id, list_id, title, done, rank, weight, note) VALUES
   ('t1', 'l1', 'Alpha', 0, 1, 0.5, NULL), ('t2', 'l1', 'beta', 1, 2, 1, 'x'), ('t3', 'l2', 'Gamma', 0, 1, NULL, NULL), ('t4', 'l2', 'delta', 0, 2, 2.5, 'y')`,
  `INSERT INTO tags (task_id, tag) VALUES ('t1', 'red'), ('t1', 'blue'), ('t3', 'red')`,
  `INSERT INTO steps (id, task_id, label) VALUES (1, 't1', 'first'), (2, 't1', 'second'), (3, 't4', 'only')`,
];

describe('watching', () => {
  it('[QR-1] gives the rows whole once, then patches that keep unchanged rows', () => {
    const bench = new Bench();
    bench.watch('q', 'SELECT id, title FROM tasks ORDER BY id');
    const before = bench.pages.get('q') ?? [];
    bench.change(`UPDATE tasks SET title = 'Beta' WHERE id = 't2'`);
    const after = bench.pages.get('q') ?? [];
    expect(after).toEqual([
      ['t1', 'Alpha'],
      ['t2', 'Beta'],
      ['t3', 'Gamma'],
      ['t4', 'delta'],
    ]);
    expect([after[0] === before[0], after[1] === before[1], after[3] === before[3]]).toEqual([true, false, true]);
  });

  it('[QR-2] equal queries share one run; a joining watcher gets the rows at once', () => {
    const bench = new Bench();
    bench.watch('a', 'SELECT count(*) FROM tasks WHERE list_id = ?', ['l1']);
    bench.queries.watch('b', 'SELECT count(*) FROM tasks WHERE list_id = ?', ['l1']);
    expect(bench.queries.hasDue).toBe(false);
    expect(bench.settle()).toEqual([
      { queryId: 'b', revision: 1, update: { kind: 'whole', columns: ['count(*)'], rows: [[2]] }, error: null, hasRows: true },
    ]);
    expect(bench.change(`DELETE FROM tasks WHERE id = 't1'`)).toEqual(['a', 'b']);
    expect(bench.runs).toBe(1);
    bench.queries.unwatch('a');
    expect(bench.change(`DELETE FROM tasks WHERE id = 't2'`)).toEqual(['b']);
    bench.queries.unwatch('b');
    bench.change(`DELETE FROM tasks WHERE id = 't3'`);
    expect(bench.runs).toBe(0);
  });

  it('parameters of another type are another query', () => {
    const bench = new Bench();
    bench.watch('text', 'SELECT typeof(?)', ['1']);
    bench.watch('number', 'SELECT typeof(?)', [1]);
    bench.watch('null', 'SELECT typeof(?)', [null]);
    bench.watch('blob', 'SELECT typeof(?)', [Uint8Array.of(1)]);
    expect(['text', 'number', 'null', 'blob'].map((id) => bench.pages.get(id)?.[0]?.[0])).toEqual(['text', 'integer', 'null', 'blob']);
  });

  it('[QR-3] results that came out the same are not sent', () => {
    const bench = new Bench();
    bench.watch('q', `SELECT count(*) FROM tasks WHERE title LIKE '%a%'`);
    expect(bench.change(`UPDATE tasks SET title = 'Alpha!' WHERE id = 't1'`)).toEqual([]);
    expect(bench.runs).toBe(1);
  });

  it('[QR-4] a query that fails keeps its rows and has a code; it is tried again when what it reads changed', () => {
    const bench = new Bench();
    bench.watch('q', `SELECT sum(rank) FROM tasks`);
    bench.change(`UPDATE tasks SET rank = ${Number.MAX_SAFE_INTEGER} WHERE list_id = 'l1'`);
    expect(bench.pages.get('q')).toEqual([[6]]);
    expect(bench.queries.standing()).toMatchObject([{ queryId: 'q', hasRows: true, error: { code: 'sql_failed' } }]);
    bench.change(`UPDATE tasks SET rank = 1 WHERE list_id = 'l1'`);
    expect(bench.pages.get('q')).toEqual([[5]]);
    expect(bench.queries.standing()).toMatchObject([{ error: null }]);
  });

  it.each([
    ['DELETE FROM tasks RETURNING id', 'query_invalid'],
    ['WITH doomed AS (SELECT id FROM tasks) DELETE FROM tasks WHERE id IN doomed RETURNING id', 'query_invalid'],
    ['PRAGMA hard_heap_limit = 1', 'query_invalid'],
    ['SELECT 1; SELECT 2', 'sql_failed'],
    ['SELECT nonsense FROM tasks', 'sql_failed'],
  ])('[QR-5] refuses %s', (sql, code) => {
    const bench = new Bench();
    bench.queries.watch('q', sql, []);
    const news = bench.settle();
    expect(news.at(-1)).toMatchObject({ queryId: 'q', error: { code }, hasRows: false });
    expect(bench.again('SELECT count(*) FROM tasks')).toEqual([[4]]);
  });

  it('[QR-6] bounds rows and live queries', () => {
    const bench = new Bench();
    bench.queries.watch('big', 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n', []);
    expect(bench.settle().at(-1)).toMatchObject({ error: { code: 'result_too_large' } });
    for (let i = 0; i < LIMITS.liveQueriesMax; i++) bench.queries.watch(`q${i}`, 'SELECT ?', [i]);
    expect(bench.settle().find((news) => news.queryId === 'q99')).toMatchObject({ error: { code: 'overloaded' } });
  });

  it('[QR-7] another replica runs all again, and tells only what differs', () => {
    const bench = new Bench();
    bench.watch('same', 'SELECT id FROM lists ORDER BY id');
    bench.watch('other', 'SELECT title FROM tasks ORDER BY id');
    const next = new Bench([...SEED, `UPDATE tasks SET title = 'Omega' WHERE id = 't4'`]);
    bench.queries.attach(next.database);
    expect(bench.settle().map((news) => news.queryId)).toEqual(['other']);
    expect(bench.pages.get('other')?.at(-1)).toEqual(['Omega']);
  });
});

describe('what a change touches', () => {
  /** The changes after which the query is run again. */
  const touching = (sql: string, params: Row, changes: readonly string[]): boolean[] => {
    const bench = new Bench();
    bench.watch('q', sql, params);
    return changes.map((change) => {
      bench.change(change);
      return bench.runs > 0;
    });
  };

  it.each<[string, string, Row, [string, boolean][]]>([
    [
      'tables read',
      'SELECT * FROM lists',
      [],
      [
        [`UPDATE tasks SET title = 'x'`, false],
        [`UPDATE lists SET color = 'red' WHERE id = 'l1'`, true],
      ],
    ],
    [
      'columns read',
      'SELECT id, title FROM tasks',
      [],
      [
        [`UPDATE tasks SET note = 'n' WHERE id = 't1'`, false],
        [`UPDATE tasks SET title = 'n' WHERE id = 't1'`, true],
        [`DELETE FROM tasks WHERE id = 't2'`, true],
      ],
    ],
    [
      'columns only sorted by',
      'SELECT id FROM tasks ORDER BY rank',
      [],
      [
        [`UPDATE tasks SET rank = 9 WHERE id = 't1'`, true],
        [`UPDATE tasks SET title = 'x'`, false],
      ],
    ],
    [
      'the key',
      'SELECT * FROM tasks WHERE id = ?',
      ['t1'],
      [
        [`UPDATE tasks SET title = 'x' WHERE id = 't2'`, false],
        [`UPDATE tasks SET title = 'x' WHERE id = 't1'`, true],
        [`DELETE FROM tasks WHERE id = 't4'`, false],
      ],
    ],
    [
      'equal values',
      'SELECT title FROM tasks WHERE ("list_id" = ? AND "done" = ?) ORDER BY rank LIMIT 50',
      ['l1', 0],
      [
        [`UPDATE tasks SET title = 'x' WHERE id = 't3'`, false],
        [`UPDATE tasks SET title = 'x' WHERE id = 't2'`, false],
        [`UPDATE tasks SET done = 0 WHERE id = 't2'`, true],
        [`UPDATE tasks SET list_id = 'l1' WHERE id = 't4'`, true],
      ],
    ],
    [
      'lists of values',
      `SELECT title FROM tasks WHERE list_id IN ('l1', 'l3')`,
      [],
      [
        [`UPDATE tasks SET title = 'x' WHERE id = 't3'`, false],
        [`UPDATE tasks SET title = 'x' WHERE id = 't1'`, true],
      ],
    ],
    [
      'ranges',
      'SELECT title FROM tasks WHERE rank BETWEEN 2 AND ? AND title < ?',
      [3, 'zz'],
      [
        [`UPDATE tasks SET title = 'x' WHERE id = 't1'`, false],
        [`UPDATE tasks SET title = 'y' WHERE id = 't2'`, true],
        [`UPDATE tasks SET rank = 4 WHERE id = 't2'`, true],
        [`UPDATE tasks SET title = 'zz' WHERE id = 't2'`, false],
      ],
    ],
    [
      'partial indexes read more than they show',
      'SELECT rank FROM tasks WHERE done = 0 AND rank > 0',
      [],
      [[`UPDATE tasks SET done = 1 WHERE id = 't1'`, true]],
    ],
    [
      'expression indexes too',
      `SELECT count(*) FROM tasks WHERE lower(title) = 'alpha'`,
      [],
      [[`UPDATE tasks SET title = 'ALPHA' WHERE id = 't2'`, true]],
    ],
    ['generated columns', `SELECT loud FROM tasks ORDER BY id`, [], [[`UPDATE tasks SET title = 'q' WHERE id = 't2'`, true]]],
    [
      'joins, each table by its own condition',
      'SELECT t.title, l.name FROM tasks t JOIN lists l ON l.id = t.list_id WHERE l.id = ?',
      ['l1'],
      [
        [`UPDATE lists SET name = 'x' WHERE id = 'l2'`, false],
        [`UPDATE tasks SET title = 'x' WHERE id = 't3'`, false],
        [`UPDATE tasks SET title = 'x' WHERE id = 't1'`, true],
        [`UPDATE lists SET name = 'y' WHERE id = 'l1'`, true],
      ],
    ],
    [
      'outer joins',
      'SELECT l.id, t.id FROM lists l LEFT JOIN tasks t ON t.list_id = l.id WHERE t.note IS NULL',
      [],
      [
        [`UPDATE tasks SET note = 'n' WHERE id = 't1'`, true],
        [`UPDATE tasks SET note = NULL WHERE id = 't2'`, true],
        // l3 is no longer without tasks, though the new one is not shown.
        [`INSERT INTO tasks (id, list_id, title, note) VALUES ('t9', 'l3', 'new', 'n')`, true],
      ],
    ],
    [
      'a table twice',
      `SELECT a.id FROM tasks a, tasks b WHERE a.list_id = 'l1' AND b.list_id = 'l2' AND a.rank = b.rank`,
      [],
      [
        [`UPDATE tasks SET rank = 7 WHERE id = 't3'`, true],
        [`UPDATE tasks SET rank = 7 WHERE id = 't1'`, true],
      ],
    ],
    [
      'subqueries',
      'SELECT name FROM lists WHERE id IN (SELECT list_id FROM tasks WHERE done = 1)',
      [],
      [
        [`UPDATE tasks SET done = 1 WHERE id = 't3'`, true],
        [`UPDATE tags SET strength = 2`, false],
      ],
    ],
    [
      'common table expressions',
      'WITH open AS (SELECT * FROM tasks WHERE done = 0) SELECT count(*) FROM open',
      [],
      [
        [`UPDATE tasks SET done = 1 WHERE id = 't3'`, true],
        [`UPDATE lists SET color = 'x'`, false],
      ],
    ],
    [
      'tables without rowid',
      'SELECT tag FROM tags WHERE task_id = ?',
      ['t1'],
      [
        [`UPDATE tags SET strength = 5`, false],
        [`INSERT INTO tags (task_id, tag) VALUES ('t2', 'new')`, false],
        [`INSERT INTO tags (task_id, tag) VALUES ('t1', 'new')`, true],
      ],
    ],
    [
      'OR binds weaker than AND',
      `SELECT id FROM tasks WHERE list_id = 'l1' AND rank = 1 OR done = 1`,
      [],
      [[`UPDATE tasks SET done = 1 WHERE id = 't3'`, true]],
    ],
    [
      'OR narrows nothing',
      `SELECT id FROM tasks WHERE list_id = 'l1' OR done = 1`,
      [],
      [[`UPDATE tasks SET done = 1 WHERE id = 't3'`, true]],
    ],
    ['cascades', 'SELECT count(*) FROM tags', [], [[`DELETE FROM lists WHERE id = 'l1'`, true]]],
  ])('[QR-8] %s', (_name, sql, params, changes) => {
    expect(
      touching(
        sql,
        params,
        changes.map(([change]) => change),
      ),
    ).toEqual(changes.map(([, touched]) => touched));
  });

  it('[QR-9] one row changes under 100 queries by value: one runs', () => {
    const bench = new Bench();
    for (let i = 1; i < LIMITS.liveQueriesMax; i++) bench.watch(`q${i}`, 'SELECT id FROM tasks WHERE list_id = ? ORDER BY rank', [`l${i}`]);
    bench.change(`UPDATE tasks SET rank = 5 WHERE id = 't1'`);
    expect(bench.runs).toBe(1);
  });
});

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
          const bench = new Bench();
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
