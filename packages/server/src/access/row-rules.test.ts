import { eq, gt, ne, or } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChangeSet } from '@alcove/core/change/change-set';
import { tableShape } from '@alcove/core/change/table-shape';
import { AlcoveError } from '@alcove/core/error';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { Row } from '@alcove/core/sqlite/database';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { ReaderClass } from './reader-class.ts';
import { classOf } from './reader-class.ts';
import { RowRules } from './row-rules.ts';

const notes = sqliteTable('notes', { id: text().primaryKey(), owner: text().notNull(), price: integer() });
const room = defineRoom({
  name: 'trip',
  schema: { notes },
  rules: {
    notes: {
      visibleTo: (row, { sub = '' }) => or(eq(row.owner, sub), eq(row.owner, 'all')),
      hiddenFrom: { price: (row, { sub = '' }) => ne(row.owner, sub) },
    },
  },
});
const runtime = new FakeRuntime();
const classNamed = (sub: string): ReaderClass => classOf(room, { sub }, runtime, new Uint8Array(32));
const [ann, bob, eve] = [classNamed('ann'), classNamed('bob'), classNamed('eve')];

const raise = (error: Error): never => {
  throw error;
};

function inserted(...rows: readonly Row[]): ChangeSet {
  const { columns, key } = tableShape(room.model.tables[0] ?? expect.fail('the room has no table'));
  return { tables: [{ table: 'notes', columns, key, rows: rows.map((after) => ({ before: null, after })) }] };
}

describe('changes for classes of readers', () => {
  let rules: RowRules;
  beforeEach(() => {
    rules = new RowRules(room, openDatabase(':memory:'));
  });
  afterEach(() => rules.close());
  const changesFor = (changeSet: ChangeSet, classes: readonly ReaderClass[]): ChangeSet[] =>
    rules.changesFor(changeSet, classes).map((own) => (own instanceof AlcoveError ? raise(own) : own));

  it('[AC-23] are one object for classes that get the same, and the change set itself where that is all', () => {
    const hidesNothing = inserted(['n1', 'all', null]);
    const [toAnn, toBob, toEve] = changesFor(inserted(['n1', 'all', 7], ['n2', 'ann', 8]), [ann, bob, eve]);
    expect(toAnn?.tables[0]?.rows.map(({ after }) => after)).toEqual([
      ['n1', 'all', null],
      ['n2', 'ann', 8],
    ]);
    expect(toBob?.tables[0]?.rows.map(({ after }) => after)).toEqual([['n1', 'all', null]]);
    expect(toEve).toBe(toBob);
    const own = inserted(['n3', 'ann', 9]);
    expect(changesFor(own, [ann])[0]).toBe(own);
    expect(changesFor(own, [bob, eve])).toEqual([{ tables: [] }, { tables: [] }]);
    // Hidden in both, by the same columns: what stands there is the same.
    expect(new Set(changesFor(hidesNothing, [bob, eve])).size).toBe(1);
  });

  it('[AC-23] of one call are of no consequence for the next', () => {
    const first = changesFor(inserted(['n1', 'bob', 1]), [ann, bob]);
    const second = changesFor(inserted(['n1', 'ann', 2]), [ann, bob]);
    expect(first.map(({ tables }) => tables.length)).toEqual([0, 1]);
    expect(second.map(({ tables }) => tables.length)).toEqual([1, 0]);
  });
});

describe('classes of readers', () => {
  const levels = defineRoom({
    name: 'trip',
    schema: { notes },
    rules: { notes: { visibleTo: (row, { level }) => gt(row.price, level as number) } },
  });
  const idFor = (level: unknown): string => classOf(levels, { level }, runtime, new Uint8Array(32)).id;

  it('[AC-23] differ where a value does, however alike it looks', () => {
    const values = [null, 0, 1, '1', 'null', '', 0.5, 1e300, -1, '0'];
    expect(new Set(values.map(idFor)).size).toBe(values.length);
    expect(new Set([null, undefined, Number.NaN].map(idFor)).size).toBe(1); // all three are NULL
  });

  it.each([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '[AC-23][AC-25] are not made with %d, which would be taken for null',
    (level) => {
      expect(() => idFor(level)).toThrow(expect.objectContaining({ code: 'rule_failed', message: expect.stringContaining('Infinity') }));
    },
  );
});
