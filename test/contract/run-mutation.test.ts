import { mutator } from '@alcove/core/schema/define-mutator';
import type { MutatorTx } from '@alcove/core/schema/define-mutator';
import type { AnyMutators } from '@alcove/core/schema/define-room';
import { eq, inArray, sql } from 'drizzle-orm';
import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import { engines } from './engines.ts';
import { ending, insert, LIMITS, MutationRoom, notes, PAGE_MS, ROOM_MS, rough, stops } from './mutation-room.ts';

const open: MutationRoom[] = [];
afterEach(() => {
  for (const room of open.splice(0)) room.close();
});

describe.each(engines)('runMutation on $name', (engine) => {
  const room = async (mutators: AnyMutators): Promise<MutationRoom> => {
    const made = await MutationRoom.open(engine, mutators);
    open.push(made);
    return made;
  };

  describe('a run', () => {
    const addStop = mutator(v.object({ id: v.string(), city: v.optional(v.string(), 'Kyoto') }), (tx, stop) => {
      tx.insert(stops).values(stop).run();
    });

    it('[MU-1] gives the body parsed arguments, and leaves its rows and their capture', async () => {
      const trip = await room({ addStop });
      expect(trip.run('addStop', { id: 'a' })).toMatchObject({ statements: 1, rows: 1, afterCommit: [] });
      expect(trip.rows('stops')).toEqual([['a', 'Kyoto', 1, null, null, 0]]);
      expect(trip.take().tables).toMatchObject([{ table: 'stops', rows: [{ before: null, after: ['a', 'Kyoto', 1, null, null, 0] }] }]);
    });

    it('[MU-2] is a savepoint inside the transaction of others, and undoes itself alone', async () => {
      const trip = await room({
        addStop,
        fail: mutator((tx) => {
          insert(tx, 'lost');
          tx.delete(stops).where(eq(stops.id, 'a')).run();
          throw new RangeError('no more stops');
        }),
      });
      const codes: string[] = [];
      const changes = trip.database.transaction(() => {
        trip.run('addStop', { id: 'a' });
        codes.push(ending(() => trip.run('fail')).code);
        expect(trip.database.inTransaction).toBe(true);
        trip.run('addStop', { id: 'b', city: 'Nara' });
        return trip.take();
      });
      expect(codes).toEqual(['mutator_failed']);
      expect(trip.rows('stops').map(([id]) => id)).toEqual(['a', 'b']);
      expect(changes.tables[0]?.rows.map(({ before, after }) => [before, after?.[0]])).toEqual([
        [null, 'a'],
        [null, 'b'],
      ]);
    });

    it('[MU-3] has the same numbers, ids and page time in tab and room; the room alone has its own time', async () => {
      const seen: unknown[] = [];
      const trip = await room({
        look: mutator((_tx, _args, ctx) => {
          seen.push([ctx.random(), ctx.random(), ctx.id(), ctx.now], ctx.serverNow, ctx.isServer, ctx.user, ctx.clientId, ctx.mutationId);
        }),
      });
      trip.run('look', null, { isServer: false, serverNowMs: undefined, user: null });
      trip.run('look');
      trip.run('look', null, { seed: 'other' });
      const [tab, room1, other] = [seen.slice(0, 6), seen.slice(6, 12), seen.slice(12)];
      expect(room1[0]).toEqual(tab[0]);
      expect(other[0]).not.toEqual(tab[0]);
      expect(tab.slice(1)).toEqual([undefined, false, null, 'c', 1]);
      expect(room1.slice(1)).toEqual([ROOM_MS, true, { sub: 'ada' }, 'c', 2]);
      expect(seen[0]).toMatchObject({ 3: PAGE_MS });
    });

    it('[MU-20] may build reads for nothing, and writes that are run, prepared or put into others', async () => {
      const row = { id: 'a', city: 'Oslo' };
      const trip = await room({
        build: mutator((tx) => {
          void tx.select().from(stops).$dynamic();
          const cities = tx.$with('cities').as(tx.select({ city: stops.city }).from(stops));
          void tx.with(cities).select().from(cities);
          const adding = tx.insert(stops).values(row);
          expect(adding.toSQL().params).toContain('Oslo');
          adding.onConflictDoNothing().run();
          adding.run();
          const byId = tx
            .delete(stops)
            .where(eq(stops.id, sql.placeholder('id')))
            .prepare();
          byId.run({ id: 'none' });
          const ids = tx.select({ id: stops.id }).from(stops);
          tx.update(stops).set({ city: 'Bergen' }).where(inArray(stops.id, ids)).returning().all();
          tx.run(tx.update(stops).set({ city: 'Nara' }).getSQL());
          tx.with(cities)
            .delete(notes)
            .where(inArray(notes.body, tx.select().from(cities)))
            .run();
          tx.transaction((inner) => {
            inner
              .insert(notes)
              .select(inner.select({ stopId: stops.id, line: sql<number>`1`.as('line'), body: stops.city }).from(stops))
              .run();
          });
        }),
      });
      trip.run('build');
      expect([trip.rows('stops').map(([id, city]) => [id, city]), trip.rows('notes')]).toEqual([[['a', 'Nara']], [['a', 1, 'Nara']]]);
    });

    it('[MU-4] cannot change the arguments the next run gets', async () => {
      const trip = await room({
        spoil: mutator(v.any(), (_tx, args: { tags: string[] }) => {
          args.tags.push('again');
          expect(args.tags).toEqual(['first', 'again']);
        }),
      });
      const args = { tags: ['first'] };
      trip.run('spoil', args);
      trip.run('spoil', args);
      expect(args).toEqual({ tags: ['first'] });
    });

    it('[MU-5] registers effects for after the commit in the room, none in a tab, and runs none itself', async () => {
      const effects: string[] = [];
      const trip = await room({
        tell: mutator((_tx, _args, ctx) => {
          ctx.afterCommit(() => void effects.push('first'));
          ctx.afterCommit(async () => void effects.push('second'));
        }),
        wrong: rough((_tx, _args, ctx) => ctx.afterCommit('later' as never)),
      });
      expect(trip.run('tell', null, { isServer: false }).afterCommit).toEqual([]);
      const { afterCommit } = trip.run('tell');
      expect(effects).toEqual([]);
      for (const effect of afterCommit) await effect();
      expect(effects).toEqual(['first', 'second']);
      expect(ending(() => trip.run('wrong'))).toMatchObject({
        code: 'mutator_failed',
        message: 'ctx.afterCommit takes a function, not string',
      });
    });

    it('may catch a broken constraint and go on', async () => {
      const trip = await room({
        addOnce: mutator((tx) => {
          insert(tx, 'a', 'Kyoto');
          expect(() => insert(tx, 'b', 'Kyoto')).toThrow(expect.objectContaining({ code: 'constraint_failed' }));
          insert(tx, 'c', 'Nara');
        }),
      });
      trip.run('addOnce');
      expect(trip.rows('stops').map(([id]) => id)).toEqual(['a', 'c']);
    });

    it('nests savepoints through tx.transaction', async () => {
      const trip = await room({
        nested: mutator((tx) => {
          insert(tx, 'a');
          expect(() =>
            tx.transaction((inner) => {
              insert(inner, 'b');
              inner.rollback();
            }),
          ).toThrow();
          tx.transaction((inner) => insert(inner, 'c'));
        }),
      });
      trip.run('nested');
      expect(trip.rows('stops').map(([id]) => id)).toEqual(['a', 'c']);
    });
  });

  describe('bounds', () => {
    const fill = mutator(v.number(), (tx, count) => {
      for (let index = 0; index < count; index++) insert(tx, `s${index}`);
    });
    const refill = mutator(v.number(), (tx, count) => {
      try {
        for (let index = 0; index < count; index++) insert(tx, `s${index}`);
      } catch {
        // Goes on as if nothing had happened.
      }
    });
    const bulk = mutator(v.number(), (tx, count) => {
      tx.run(
        sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) INSERT INTO stops (id, city) SELECT 's' || i, 's' || i FROM n`,
      );
    });

    it('[MU-14] statements: the bound is taken, one more is not', async () => {
      for (const name of ['fill', 'refill']) {
        const trip = await room({ fill, refill });
        const error = ending(() => trip.run(name, LIMITS.statementsMax + 1));
        expect(error).toMatchObject({ code: 'mutator_limit', message: `${name} passed its bound of 50 statements` });
        expect(trip.rows('stops')).toEqual([]);
        expect(trip.run(name, LIMITS.statementsMax)).toMatchObject({ statements: 50, rows: 50 });
      }
    });

    it('[MU-14] rows: the bound is taken, one more is not, in one statement or many', async () => {
      for (const [name, mutators] of [
        ['bulk', { bulk }],
        ['fill', { fill }],
        ['refill', { refill: refill }],
      ] as const) {
        const trip = await room(mutators);
        const limits = { ...LIMITS, rowsMax: 40 };
        const error = ending(() => trip.run(name, 41, { limits }));
        expect(error).toMatchObject({ code: 'mutator_limit', message: `${name} passed its bound of 40 rows` });
        expect(trip.rows('stops')).toEqual([]);
        expect(trip.take().tables).toEqual([]);
        expect(trip.run(name, 40, { limits }).rows).toBe(40);
      }
    });

    it('[MU-14] rows of other mutations of the same transaction do not count', async () => {
      const trip = await room({ one: mutator(v.string(), (tx, id) => void insert(tx, id)) });
      const limits = { ...LIMITS, rowsMax: 2 };
      trip.database.transaction(() => {
        for (const id of ['a', 'b', 'c', 'd']) expect(trip.run('one', id, { limits }).rows).toBe(1);
      });
    });

    it('[MU-14] rows that a cascade deletes count', async () => {
      const trip = await room({
        fill: mutator((tx) => {
          insert(tx, 'a');
          for (let line = 0; line < 40; line++)
            tx.insert(notes)
              .values({ stopId: 'a', line, body: `note ${line}` })
              .run();
        }),
        remove: mutator((tx) => {
          tx.delete(stops).run();
        }),
      });
      trip.run('fill');
      trip.take();
      expect(ending(() => trip.run('remove', null, { limits: { ...LIMITS, rowsMax: 40 } }))).toMatchObject({ code: 'mutator_limit' });
      expect(trip.rows('notes')).toHaveLength(40);
      expect(trip.run('remove', null, { limits: { ...LIMITS, rowsMax: 41 } })).toMatchObject({ rows: 41, statements: 1 });
    });

    it('[MU-14] rows that a statement returns with RETURNING count as changed', async () => {
      const trip = await room({
        returning: mutator(v.number(), (tx, count) => {
          tx.insert(stops)
            .values(Array.from({ length: count }, (_, index) => ({ id: `s${index}`, city: `s${index}` })))
            .returning()
            .all();
        }),
      });
      const limits = { ...LIMITS, rowsMax: 10 };
      expect(trip.run('returning', 10, { limits }).rows).toBe(10);
      trip.take();
      trip.database.exec('DELETE FROM stops');
      expect(ending(() => trip.run('returning', 11, { limits }))).toMatchObject({ code: 'mutator_limit' });
    });

    it('[MU-15] time: seen at the next statement, at the end, and not to be caught', async () => {
      const passing = (rest: (tx: MutatorTx) => void) =>
        mutator((tx) => {
          insert(tx, 'a');
          trip.runtime.advance(LIMITS.timeBudgetMs + 1);
          rest(tx);
        });
      let stops2 = 0;
      const trip = await room({
        atEnd: passing(() => undefined),
        atStatement: passing((tx) => {
          insert(tx, 'b');
          stops2 += 1;
        }),
        caught: passing((tx) => {
          expect(() => insert(tx, 'b')).toThrow(expect.objectContaining({ code: 'mutator_timeout' }));
        }),
        inTime: mutator((tx) => {
          insert(tx, 'a');
          trip.runtime.advance(LIMITS.timeBudgetMs);
        }),
      });
      for (const name of ['atEnd', 'atStatement', 'caught']) {
        expect(ending(() => trip.run(name))).toMatchObject({
          code: 'mutator_timeout',
          message: `${name} ran for 1001 ms; its budget is 1000 ms`,
        });
        expect(trip.rows('stops')).toEqual([]);
      }
      expect(stops2).toBe(0);
      expect(trip.run('inTime').elapsedMs).toBe(1_000);
    });
  });

  describe('a transaction that SQLite ends itself', () => {
    // The tokenizer cannot see what a trigger of a migration does.
    const erase = (trip: MutationRoom) =>
      trip.database.exec(`CREATE TRIGGER erase BEFORE INSERT ON notes BEGIN SELECT RAISE(ROLLBACK, 'all gone'); END`);
    const note = (tx: MutatorTx) => tx.insert(notes).values({ stopId: 'a', line: 1, body: 'b' }).run();

    it('[MU-16] is noticed, also where the body catches the error', async () => {
      const trip = await room({
        add: mutator((tx) => void insert(tx, 'a')),
        erases: mutator((tx) => void note(tx)),
        hides: mutator((tx) => {
          try {
            note(tx);
          } catch {
            // Pretends it went well.
          }
        }),
      });
      erase(trip);
      for (const name of ['erases', 'hides']) {
        let standing = true;
        expect(() =>
          trip.database.transaction(() => {
            trip.run('add');
            try {
              trip.run(name);
            } finally {
              standing = trip.database.inTransaction;
            }
          }),
        ).toThrow(expect.objectContaining({ code: 'constraint_failed', message: expect.stringContaining('all gone') }));
        expect(standing).toBe(false);
        expect(trip.rows('stops')).toEqual([]);
        expect(trip.take().tables).toEqual([]);
      }
    });

    it('[MU-16] alone it fails as any other', async () => {
      const trip = await room({
        erases: mutator((tx) => {
          insert(tx, 'a');
          note(tx);
        }),
      });
      erase(trip);
      expect(ending(() => trip.run('erases')).code).toBe('constraint_failed');
      expect(trip.rows('stops')).toEqual([]);
    });
  });
});
