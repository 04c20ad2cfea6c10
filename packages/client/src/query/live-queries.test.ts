import { describe, expect, it } from 'vitest';
import { QUERY_LIMITS, QueryBench, TASKS_SEED } from '../../../../test/fake/query-bench.ts';

describe('watching', () => {
  it('[QR-1] gives the rows whole once, then patches that keep unchanged rows', () => {
    const bench = new QueryBench();
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
    const bench = new QueryBench();
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

  it('[QR-16] rows are there before it is known what the query read; a change finds it out', () => {
    const bench = new QueryBench();
    bench.watch('q', 'SELECT title FROM tasks WHERE id = ?', ['t1']);
    expect(bench.pages.get('q')).toEqual([['Alpha']]);
    expect(bench.queries.hasUnread).toBe(true);
    bench.change(`UPDATE tasks SET title = 'x' WHERE id = 't2'`);
    expect([bench.runs, bench.queries.hasUnread]).toEqual([0, false]);
    expect(bench.change(`UPDATE tasks SET title = 'y' WHERE id = 't1'`)).toEqual(['q']);
  });

  it('[QR-16] a query that ends before it is known what it read is forgotten', () => {
    const bench = new QueryBench();
    bench.watch('q', 'SELECT title FROM tasks');
    bench.queries.unwatch('q');
    expect(bench.queries.hasUnread).toBe(false);
    bench.change(`UPDATE tasks SET title = 'x'`);
    expect(bench.runs).toBe(0);
  });

  it('[QR-2] parameters of another type are another query', () => {
    const bench = new QueryBench();
    bench.watch('text', 'SELECT typeof(?)', ['1']);
    bench.watch('number', 'SELECT typeof(?)', [1]);
    bench.watch('null', 'SELECT typeof(?)', [null]);
    bench.watch('blob', 'SELECT typeof(?)', [Uint8Array.of(1)]);
    expect(['text', 'number', 'null', 'blob'].map((id) => bench.pages.get(id)?.[0]?.[0])).toEqual(['text', 'integer', 'null', 'blob']);
  });

  it('[QR-3] results that came out the same are not sent', () => {
    const bench = new QueryBench();
    bench.watch('q', `SELECT count(*) FROM tasks WHERE title LIKE '%a%'`);
    expect(bench.change(`UPDATE tasks SET title = 'Alpha!' WHERE id = 't1'`)).toEqual([]);
    expect(bench.runs).toBe(1);
  });

  it('[QR-4] a query that fails keeps its rows and has a code; it is tried again when what it reads changed', () => {
    const bench = new QueryBench();
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
    const bench = new QueryBench();
    bench.queries.watch('q', sql, []);
    const news = bench.settle();
    expect(news.at(-1)).toMatchObject({ queryId: 'q', error: { code }, hasRows: false });
    expect(bench.again('SELECT count(*) FROM tasks')).toEqual([[4]]);
  });

  it('[QR-6] bounds rows and live queries', () => {
    const bench = new QueryBench();
    bench.queries.watch('big', 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n', []);
    expect(bench.settle().at(-1)).toMatchObject({ error: { code: 'result_too_large' } });
    for (let i = 0; i < QUERY_LIMITS.liveQueriesMax; i++) bench.queries.watch(`q${i}`, 'SELECT ?', [i]);
    expect(bench.settle().find((news) => news.queryId === 'q99')).toMatchObject({ error: { code: 'overloaded' } });
  });

  it('[QR-7] another replica runs all again, and tells only what differs', () => {
    const bench = new QueryBench();
    bench.watch('same', 'SELECT id FROM lists ORDER BY id');
    bench.watch('other', 'SELECT title FROM tasks ORDER BY id');
    const next = new QueryBench([...TASKS_SEED, `UPDATE tasks SET title = 'Omega' WHERE id = 't4'`]);
    bench.queries.attach(next.database);
    expect(bench.settle().map((news) => news.queryId)).toEqual(['other']);
    expect(bench.pages.get('other')?.at(-1)).toEqual(['Omega']);
  });
});
