import type { Claims } from '@alcove/core/schema/define-mutator';
import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom, type RoomDefinition } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { eq, or, sql } from 'drizzle-orm';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { fc } from '../fake/properties.ts';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { RowRules } from '../../packages/server/src/access/row-rules.ts';
import { DrivenRoom } from '../fake/driven-room.ts';
import { type Engine, engines } from './engines.ts';
import { FilteredReader } from './filtered-reader.ts';
import { type Contents, seenBy } from './row-rules-oracle.ts';

const notes = sqliteTable('notes', { id: text().primaryKey(), owner: text().notNull(), meta: text(), price: text() });
const room = defineRoom({
  name: 'trip',
  schema: { notes },
  mutators: {
    put: mutator(v.object({ id: v.string(), owner: v.string(), meta: v.string(), price: v.string() }), (tx, row) =>
      tx.insert(notes).values(row).onConflictDoUpdate({ target: notes.id, set: row }).run(),
    ),
    remove: mutator(v.string(), (tx, id) => tx.delete(notes).where(eq(notes.id, id)).run()),
  },
  rules: {
    notes: {
      visibleTo: (row, { sub, team }) =>
        team === undefined || or(eq(row.owner, sub ?? ''), sql`json_extract(${row.meta}, '$.team') = ${team as string}`),
      hiddenFrom: { price: (row, { sub }) => sql`${row.owner} <> ${sub ?? ''}` },
    },
  },
});
const READERS: readonly Claims[] = [{ sub: 'root' }, { sub: 'bob', team: 'x' }, { sub: 'bea', team: 'x' }, { sub: 'eve', team: 'y' }];
const METAS = ['{"team":"x"}', '{"team":"y"}', '{}', '{not json'];
/** Small, so that replicas come back over more than one range, and fall out of the log. */
const LIMITS = {
  catchUpVersionsMax: 2,
  changeLogVersionsMax: 9,
  snapshotChunkRowsMax: 2,
  sessionSnapshotsBurst: 1_000,
  userSnapshotsBurst: 1_000,
};

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      put: fc.record({
        id: fc.constantFrom('a', 'b', 'c'),
        owner: fc.constantFrom('root', 'bob', 'eve'),
        meta: fc.constantFrom(...METAS),
        price: fc.constantFrom('1', '2'),
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ remove: fc.constantFrom('a', 'b', 'c') }) },
  { weight: 3, arbitrary: fc.record({ join: fc.integer({ min: 1, max: READERS.length - 1 }) }) },
);

/** Null: a rule fails over some row of it. */
function seenOrNull(database: Database, claims: Claims): Contents | null {
  try {
    return seenBy(database, room as unknown as RoomDefinition, claims); // of tables that are known when it runs
  } catch {
    return null;
  }
}

async function run(engine: Engine, steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]): Promise<void> {
  const database = await engine.open();
  const rules = new RowRules(room, await engine.open());
  const driven = new DrivenRoom({ room, database, rules, options: { limits: LIMITS } });
  const readers = await Promise.all(
    READERS.map(async (claims) => ({ claims, replica: await FilteredReader.open(engine, room.model), connection: '', isIn: false })),
  );
  const [writer = expect.fail('no writer')] = readers;
  let [connections, pushed] = [0, 0];
  const join = (reader: (typeof readers)[number]): void => {
    if (reader.isIn) driven.room.leave(reader.connection);
    connections += 1;
    reader.connection = `k${connections}`;
    reader.isIn = true;
    const { resume } = reader.replica;
    const hello = { clientId: `c-${reader.claims.sub}`, resume, snapshots: ['rows' as const] };
    reader.replica.take(driven.join(reader.connection, hello, { claims: reader.claims }));
    driven.advance(200);
  };
  const push = (name: string, args: unknown): void => {
    pushed += 1;
    writer.replica.take(driven.push(writer.connection, pushed, name, args, 'c-root'));
  };
  const look = (): void => {
    for (const reader of readers) {
      if (!reader.isIn) continue;
      driven.room.receive(reader.connection, '{"type":"ping"}');
      const { replica, claims } = reader;
      replica.take(driven.take(reader.connection));
      const seen = seenOrNull(database, claims);
      const errors = replica.errors.splice(0);
      expect(errors.map((error) => error.type === 'error' && error.code)).toEqual(seen === null ? ['rule_failed'] : []);
      if (seen === null) reader.isIn = false;
      else expect(replica.contents()).toEqual(seen);
    }
    expect(driven.ports.failures).toEqual([]);
  };
  try {
    for (const reader of readers) join(reader);
    for (const one of steps) {
      if ('join' in one) join(readers[one.join] ?? expect.fail('no such reader'));
      else if ('put' in one) push('put', one.put);
      else push('remove', one.remove);
      look();
    }
  } finally {
    for (const { replica } of readers) replica.close();
    rules.close();
    database.close();
  }
}

describe('readers of a room in which a rule fails over some rows', () => {
  it.each(engines)(
    '[AC-25] are out as long as it fails for them, hold what they may see as soon as it does not, and others always: $name',
    (engine) =>
      fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), (steps) => run(engine, steps)),
        { numRuns: 60 },
      ),
    120_000,
  );
});
