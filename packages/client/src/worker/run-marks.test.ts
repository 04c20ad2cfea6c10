import { describe, expect, it } from 'vitest';
import { B_TREES } from '../query/schema-map.ts';
import { SCHEMA_SQL } from '../replica/open-image.ts';
import { RunMarks } from './run-marks.ts';
import type { RunMark } from './worker-api.ts';

const set = () => {
  const posted: RunMark['alcoveRun'][] = [];
  let nowMs = 0;
  const marks = new RunMarks(
    ({ alcoveRun }) => posted.push(alcoveRun),
    () => nowMs,
  );
  const run = (name: string, tookMs: number, inner: () => void = () => undefined) =>
    marks.around(
      name,
      () => ({ handle: 1, statement: { sql: name, params: [] }, mutation: marks.enclosing(1) }),
      () => {
        inner();
        nowMs += tookMs;
      },
    );
  return { posted, marks, run };
};

describe('announced runs', () => {
  it('[WK-5] announces what is not known to be quick, and takes it back', () => {
    const { posted, run } = set();
    run('select 1', 1);
    expect(posted).toEqual([{ handle: 1, statement: { sql: 'select 1', params: [] }, mutation: null }, null]);
  });

  it('[WK-5] says nothing of what was quick the last time, and announces it again once it was slow', () => {
    const { posted, marks, run } = set();
    run('q', 1);
    posted.length = 0;
    run('q', 500);
    expect(posted).toEqual([]);
    marks.markAll();
    run('q', 500);
    expect(posted).toHaveLength(2);
  });

  it('[WK-5] says nothing of what ends by itself, unless all is announced', () => {
    const { posted, marks, run } = set();
    for (const name of [SCHEMA_SQL, B_TREES, 'EXPLAIN SELECT 1']) run(name, 500);
    expect(posted).toEqual([]);
    marks.markAll();
    run(SCHEMA_SQL, 1);
    expect(posted).toHaveLength(2);
  });

  it('[WK-5] announces a slow one each time', () => {
    const { posted, run } = set();
    run('q', 500);
    run('q', 500);
    expect(posted).toHaveLength(4);
  });

  it('[WK-5] names the mutation around a statement, and falls back to it when the statement is done', () => {
    const { posted, marks, run } = set();
    const mutation = { clientId: 'c', mutationId: 3 };
    marks.around(
      'mutator',
      () => ({ handle: 1, statement: null, mutation }),
      () => run('insert', 1),
    );
    expect(posted).toEqual([
      { handle: 1, statement: null, mutation },
      { handle: 1, statement: { sql: 'insert', params: [] }, mutation },
      { handle: 1, statement: null, mutation },
      null,
    ]);
  });

  it('[WK-5] takes it back when the run throws', () => {
    const { posted, run } = set();
    expect(() =>
      run('q', 1, () => {
        throw new RangeError('x');
      }),
    ).toThrow(RangeError);
    expect(posted.at(-1)).toBe(null);
  });
});
