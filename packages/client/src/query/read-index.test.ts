import type { Row } from '@alcove/core/sqlite/database';
import { describe, expect, it } from 'vitest';
import { QUERY_LIMITS, QueryBench } from '../../../../test/fake/query-bench.ts';

describe('what a change touches', () => {
  /** The changes after which the query is run again. */
  const touching = (sql: string, params: Row, changes: readonly string[]): boolean[] => {
    const bench = new QueryBench();
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
    const bench = new QueryBench();
    for (let i = 1; i < QUERY_LIMITS.liveQueriesMax; i++)
      bench.watch(`q${i}`, 'SELECT id FROM tasks WHERE list_id = ? ORDER BY rank', [`l${i}`]);
    bench.change(`UPDATE tasks SET rank = 5 WHERE id = 't1'`);
    expect(bench.runs).toBe(1);
  });
});
