import { AlcoveError } from '@alcove/core/error';
import { mutator } from '@alcove/core/schema/define-mutator';
import type { AnyMutator, MutatorContext, MutatorTx } from '@alcove/core/schema/define-mutator';
import type { AnyMutators } from '@alcove/core/schema/define-room';
import { sql } from 'drizzle-orm';
import * as v from 'valibot';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { settlePromises } from '../fake/virtual-time.ts';
import { engines } from './engines.ts';
import { ending, insert, MutationRoom, notes, rough, stops } from './mutation-room.ts';

const open: MutationRoom[] = [];
afterEach(() => {
  for (const room of open.splice(0)) room.close();
});

describe.each(engines)('what runMutation refuses, on $name', (engine) => {
  const room = async (mutators: AnyMutators, rules?: Parameters<typeof MutationRoom.open>[2]): Promise<MutationRoom> => {
    const made = await MutationRoom.open(engine, mutators, rules);
    open.push(made);
    return made;
  };

  describe('refusals', () => {
    const keep = mutator((tx) => {
      insert(tx, 'kept');
    });

    /** Runs `failing` between two that succeed, in one transaction; returns its error. Nothing of it may be left. */
    async function fails(
      failing: AnyMutator,
      more: Parameters<MutationRoom['run']>[2] = {},
      args: Parameters<MutationRoom['run']>[1] = null,
    ) {
      const trip = await room({ keep, failing, also: mutator((tx) => void insert(tx, 'also')) });
      return trip.database.transaction(() => {
        trip.run('keep');
        const error = ending(() => trip.run('failing', args, more));
        expect(trip.database.inTransaction).toBe(true);
        trip.run('also');
        expect(trip.rows('stops').map(([id]) => id)).toEqual(['also', 'kept']);
        expect(trip.rows('notes')).toEqual([]);
        expect(trip.take().tables.map(({ table, rows }) => [table, rows.length])).toEqual([['stops', 2]]);
        return error;
      });
    }

    it.each(['nothing', 'constructor', 'toString', '__proto__', 'hasOwnProperty', ''])('[MU-6] %j is no mutator', async (name) => {
      const trip = await room({ keep });
      expect(ending(() => trip.run(name))).toMatchObject({ code: 'mutator_unknown', retryable: false });
    });

    it('[MU-7] arguments the validator refuses', async () => {
      const schema = v.object({ stop: v.object({ nights: v.pipe(v.number(), v.maxValue(30)) }) });
      const failing = mutator(schema, (tx) => void insert(tx, 'lost'));
      expect(await fails(failing, {}, { stop: { nights: 31 } })).toMatchObject({
        code: 'arguments_invalid',
        message: expect.stringContaining('arguments of failing at stop.nights: '),
      });
      expect((await fails(failing, {}, null)).code).toBe('arguments_invalid');
    });

    it('[MU-7] a validator that throws, and arguments that are not JSON', async () => {
      const throwing: AnyMutator['schema'] = {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: () => {
            throw new TypeError('oh');
          },
        },
      };
      expect(await fails({ kind: 'mutator', schema: throwing, body: () => undefined })).toMatchObject({
        code: 'arguments_invalid',
        message: 'the validator of failing threw: oh',
      });
      expect(
        (
          await fails(
            mutator(v.any(), () => undefined),
            {},
            { nights: Number.NaN },
          )
        ).message,
      ).toBe('arguments of failing at nights: NaN is not in JSON');
    });

    it('[MU-8] an asynchronous validator, whose later rejection is nobody’s', async () => {
      const rejecting: AnyMutator['schema'] = {
        '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('late')) },
      };
      for (const schema of [
        rejecting,
        v.pipeAsync(
          v.any(),
          v.checkAsync(async () => true),
        ),
      ]) {
        const error = await fails({ kind: 'mutator', schema, body: () => undefined });
        expect(error).toMatchObject({ code: 'mutator_async', message: 'the validator of failing is asynchronous' });
      }
      await settlePromises();
    });

    it('[MU-9] a body that returns a promise, rejected or not, whose later statements are refused', async () => {
      const late: unknown[] = [];
      const failing = rough(async (tx) => {
        insert(tx, 'lost');
        await Promise.resolve();
        try {
          insert(tx, 'late');
        } catch (error) {
          late.push(error);
        }
        throw new Error('nobody hears this');
      });
      expect(await fails(failing)).toMatchObject({ code: 'mutator_async', message: 'failing returned a promise; it was rolled back' });
      await settlePromises();
      expect(late).toEqual([expect.objectContaining({ code: 'mutator_async' })]);
    });

    it('[MU-9] a thenable is not awaited', async () => {
      const thenCalled = vi.fn<() => void>();
      const error = await fails(rough(() => ({ then: thenCalled })));
      await settlePromises();
      expect([error.code, thenCalled.mock.calls.length]).toEqual(['mutator_async', 0]);
    });

    it('[MU-9] a builder that was not run: its statement never happens', async () => {
      for (const body of [
        (tx: MutatorTx) => tx.insert(stops).values({ id: 'x', city: 'x' }),
        (tx: MutatorTx) => tx.delete(stops),
        (tx: MutatorTx) => tx.select().from(stops),
      ]) {
        const error = await fails(rough(body));
        expect(error).toMatchObject({ code: 'mutator_async', message: 'failing returned a query that was not run' });
        expect(error.hint).toContain('.run()');
        await settlePromises();
      }
    });

    it('[MU-20] a write that was built and never run, wherever it was built', async () => {
      const row = { id: 'x', city: 'x' };
      for (const [verb, table, body] of [
        ['insert', 'stops', (tx: MutatorTx) => void tx.insert(stops).values(row)],
        ['update', 'stops', (tx: MutatorTx) => void tx.update(stops).set({ city: 'y' }).where(sql`1`)],
        ['delete', 'notes', (tx: MutatorTx) => void tx.delete(notes)],
        ['insert', 'stops', (tx: MutatorTx) => tx.transaction((inner) => void inner.insert(stops).values(row))],
        [
          'insert',
          'notes',
          (tx: MutatorTx) => {
            insert(tx, 'lost');
            tx.update(stops).set({ nights: 2 }).run();
            void tx.insert(notes).values({ stopId: 'lost', line: 1, body: '' });
            tx.delete(notes).run();
          },
        ],
      ] as const) {
        const error = await fails(rough(body));
        expect(error).toMatchObject({
          code: 'mutator_async',
          message: `failing built a statement (${verb}, table ${table}) and did not run it: add .run()`,
        });
        expect(error.hint).toContain('.run()');
      }
    });

    it('[MU-9] a generator function', async () => {
      const failing = rough(function* (tx) {
        yield insert(tx, 'lost');
      });
      expect(await fails(failing)).toMatchObject({ code: 'mutator_async', message: expect.stringContaining('generator') });
    });

    it('[MU-9] a promise inside tx.transaction', async () => {
      const failing = rough((tx) => void tx.transaction(async (inner) => void insert(inner, 'lost')));
      expect((await fails(failing)).code).toBe('mutator_async');
      await settlePromises();
    });

    it('[MU-10] tx and ctx that outlive their run', async () => {
      let kept: { tx: MutatorTx; ctx: MutatorContext } | undefined;
      const trip = await room({
        keep: mutator((tx, _args, ctx) => {
          kept = { tx, ctx };
        }),
        use: mutator(() => {
          if (kept !== undefined) insert(kept.tx, 'smuggled');
        }),
      });
      trip.run('keep');
      const message = 'tx of mutator keep was used after it had returned';
      expect(ending(() => trip.run('use'))).toMatchObject({ code: 'mutator_async', message });
      expect(() => trip.database.transaction(() => kept?.ctx.afterCommit(() => undefined))).toThrow('ctx.afterCommit of mutator keep');
    });

    it('[MU-11] a body that throws, whatever it throws', async () => {
      const thrown: readonly [unknown, string][] = [
        [new RangeError('no'), 'failing threw: no'],
        ['text', 'failing threw: text'],
        [undefined, 'failing threw: undefined'],
        [Object.create(null), 'failing threw: a value of type object'],
        [Symbol('s'), 'failing threw: Symbol(s)'],
        [new Error('\ud800\0'), 'failing threw: \ufffd\ufffd'],
        [new AlcoveError('client_unknown', 'not for mutators'), 'failing threw: not for mutators'],
        [new AlcoveError('internal', 'a bug'), 'failing threw: a bug'],
        [new AlcoveError('overloaded', 'says the app'), 'failing threw: says the app'],
        [new AlcoveError('room_full', 'says the app'), 'failing threw: says the app'],
      ];
      for (const [value, message] of thrown) {
        const failing = mutator((tx) => {
          insert(tx, 'lost');
          throw value;
        });
        expect(await fails(failing)).toMatchObject({ code: 'mutator_failed', retryable: false, message });
      }
      const long = await fails(
        mutator(() => {
          throw new Error('x'.repeat(5_000));
        }),
      );
      expect(long.message).toHaveLength(1_000);
    });

    it('[AC-27] what the engine throws is told by its kind where the room hides rows, and in full in the tab; the author’s words are told', async () => {
      const failing = (thrown: Error) =>
        mutator(() => {
          throw thrown;
        });
      const mutators = {
        parse: mutator(() => void JSON.parse('canary')),
        key: failing(new TypeError("Cannot read properties of undefined (reading 'canary')")),
        own: failing(new Error('no seats left')),
        refuses: failing(new AlcoveError('forbidden', 'not on Sundays')),
      };
      for (const isServer of [true, false]) {
        const trip = await room(mutators, { notes: { visibleTo: () => true } });
        const told = (name: keyof typeof mutators): string => ending(() => trip.run(name, null, { isServer })).message;
        expect(told('parse')).toEqual(isServer ? expect.stringMatching(/^parse threw a SyntaxError; /) : expect.stringContaining('canary'));
        expect(told('key')).toEqual(isServer ? expect.not.stringContaining('canary') : expect.stringContaining('canary'));
        expect(told('own')).toBe('own threw: no seats left');
        expect(told('refuses')).toBe('not on Sundays');
      }
    });

    it('[AC-27] what SQLite says is told without the values it quotes where the room hides rows, and in full in the tab', async () => {
      const says = (text: ReturnType<typeof sql>) => mutator((tx) => void tx.all(text));
      const mutators = {
        path: says(sql`SELECT json_extract('{}', x) FROM (SELECT 'canary' AS x)`),
        json: says(sql`SELECT json(x) FROM (SELECT 'canary' AS x)`),
        table: says(sql`SELECT * FROM canary`),
        key: mutator((tx) => {
          for (const city of ['once', 'twice']) insert(tx, 'key', city);
        }),
      };
      for (const isServer of [true, false]) {
        const trip = await room(mutators, { notes: { visibleTo: () => true } });
        const told = (name: keyof typeof mutators) => ending(() => trip.run(name, null, { isServer }));
        for (const name of ['path', 'json', 'table'] as const) {
          const { code, message } = told(name);
          expect(code).toBe('sql_failed');
          expect(message.includes('canary')).toBe(!isServer);
          expect(message).toMatch(new RegExp(`^${name}: .+${isServer ? '; what else SQLite says stays in the room' : ''}`));
        }
        expect(told('path').message).toMatch(/^path: (bad JSON path|JSON path error near)/);
        expect(told('key')).toMatchObject({
          code: 'constraint_failed',
          message: expect.stringContaining('UNIQUE constraint failed: stops.'),
        });
      }
    });

    it('[MU-18] a full disk is no failure of the body: the code stays, and may be tried again', async () => {
      const fill = (tx: MutatorTx) => {
        for (let index = 0; index < 40; index++) {
          tx.insert(stops)
            .values({ id: `s${index}`, city: 'x'.repeat(50_000) + index })
            .run();
        }
      };
      const late = mutator((tx) => {
        try {
          fill(tx);
        } catch (error) {
          tx.select().from(stops).limit(1).all();
          throw error;
        }
      });
      const trip = await room({ fill: mutator(fill), late });
      const [pages] = trip.database.prepare('PRAGMA page_count').get() ?? [];
      trip.database.prepare(`PRAGMA max_page_count = ${Number(pages) + 8}`).get();
      for (const name of ['fill', 'late']) expect(ending(() => trip.run(name))).toMatchObject({ code: 'room_full', retryable: true });
      trip.database.prepare('PRAGMA max_page_count = 100000').get();
      expect(trip.rows('stops')).toEqual([]);
      trip.run('fill');
      expect(trip.rows('stops')).toHaveLength(40);
    });

    it('[MU-11] a refusal of the app keeps its code', async () => {
      const failing = mutator((_tx, _args, ctx) => {
        if (ctx.user?.sub !== 'eve') throw new AlcoveError('forbidden', 'only Eve may', { hint: 'Ask Eve.' });
      });
      expect(await fails(failing)).toMatchObject({ code: 'forbidden', message: 'only Eve may', hint: 'Ask Eve.' });
    });

    it('[MU-22] names the mutator before what SQLite says, and nothing before what a body says to refuse', async () => {
      const twice = mutator((tx) => void insert(tx, 'kept'));
      expect(await fails(twice)).toMatchObject({
        code: 'constraint_failed',
        message: expect.stringMatching(/^failing: UNIQUE constraint failed: stops\.\w+/),
        hint: expect.stringContaining('onConflictDoNothing'),
      });
      const nowhere = mutator((tx) => void tx.run(sql`INSERT INTO nowhere VALUES (1)`));
      expect(await fails(nowhere)).toMatchObject({
        code: 'sql_failed',
        message: expect.stringMatching(/^failing: no such table: nowhere/),
      });
      const refusing = mutator(() => {
        throw new AlcoveError('constraint_failed', 'there is a stop there already');
      });
      expect(await fails(refusing)).toMatchObject({ code: 'constraint_failed', message: 'there is a stop there already' });
    });

    it('[MU-12] SQL that fails', async () => {
      expect((await fails(mutator((tx) => void tx.run(sql`INSERT INTO nowhere VALUES (1)`)))).code).toBe('sql_failed');
      expect((await fails(mutator((tx) => void insert(tx, 'x', 'kept')))).code).toBe('constraint_failed');
      const orphan = mutator((tx) => void tx.insert(notes).values({ stopId: 'nowhere', line: 1, body: 'b' }).run());
      expect((await fails(orphan)).code).toBe('constraint_failed');
    });

    it.each([
      `UPDATE stops SET nights = random()`,
      `UPDATE stops SET city = datetime('now')`,
      `UPDATE stops SET city = CURRENT_TIMESTAMP`,
      `INSERT OR ROLLBACK INTO stops (id, city) VALUES ('kept', 'again')`,
      `UPDATE OR ROLLBACK stops SET id = 'kept'`,
      `ROLLBACK`,
      `SAVEPOINT s`,
      `PRAGMA foreign_keys = OFF`,
      `DROP TABLE stops`,
      `ATTACH ':memory:' AS other`,
      `DELETE FROM alcove_values`,
    ])('[MU-13] %s is refused, even where the body catches the error', async (statement) => {
      const failing = mutator((tx) => {
        insert(tx, 'lost');
        tx.run(sql.raw(statement));
      });
      expect(await fails(failing)).toMatchObject({ code: 'sql_refused', message: expect.stringMatching(/^failing: .*in: /) });
      const stubborn = mutator((tx) => {
        try {
          tx.run(sql.raw(statement));
        } catch {
          expect(() => insert(tx, 'after')).toThrow(expect.objectContaining({ code: 'sql_refused' }));
        }
      });
      expect((await fails(stubborn)).code).toBe('sql_refused');
    });

    it('[MU-13] a bound time that is the machine’s', async () => {
      const failing = mutator((tx) => void tx.run(sql`UPDATE stops SET city = datetime(${'now'})`));
      expect((await fails(failing)).code).toBe('sql_refused');
    });
  });
});
