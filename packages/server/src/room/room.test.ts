import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { openBetterSqlite3 } from '../host/node/better-sqlite3-database.ts';

const stops = sqliteTable('stops', { id: text().primaryKey(), city: text().notNull(), nights: integer().notNull().default(1) });
const trip = defineRoom({
  name: 'trip',
  schema: { stops },
  mutators: {
    addStop: mutator(v.object({ id: v.string(), city: v.string() }), (tx, stop) => {
      tx.insert(stops).values(stop).run();
    }),
  },
});

describe('room', () => {
  let database: Database;
  let driven: DrivenRoom;
  beforeEach(() => {
    database = openBetterSqlite3(':memory:');
    driven = new DrivenRoom({ room: trip, database });
  });
  afterEach(() => database.close());

  it('goes from join to push, commit, results and resume', () => {
    const [welcome] = driven.join('a');
    expect(welcome).toMatchObject({ type: 'welcome', version: 0, hydration: 'first' });
    driven.join('b');
    const answer = driven.push('a', 1, 'addStop', { id: 's1', city: 'Nara' });
    expect(answer.map(({ type }) => type)).toEqual(['results', 'commit']);
    expect(driven.take('b').map(({ type }) => type)).toEqual(['commit']);
  });
});
