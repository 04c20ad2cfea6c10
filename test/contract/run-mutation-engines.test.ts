import { AlcoveError } from '@alcove/core/error';
import { mutator } from '@alcove/core/schema/define-mutator';
import type { MutatorContext, MutatorTx } from '@alcove/core/schema/define-mutator';
import { count, eq, gt, sql } from 'drizzle-orm';
import { fc } from '../fake/properties.ts';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { engines } from './engines.ts';
import { MutationRoom, notes, stops } from './mutation-room.ts';

interface Operation {
  readonly kind: 'add' | 'addOrReplace' | 'upsert' | 'note' | 'scale' | 'move' | 'visit' | 'remove' | 'tally' | 'photo' | 'fail';
  readonly stop: number;
  readonly number: number;
  readonly text: string;
}

/** But for those that an INTEGER column takes and no number holds: taking the changes refuses them, which a room answers by undoing the mutation, and this test has no room. */
const real = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((one) => Math.abs(one) < 2 ** 53 || Math.abs(one) >= 2 ** 63);

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom('add', 'addOrReplace', 'upsert', 'note', 'scale', 'move', 'visit', 'remove', 'tally', 'photo', 'fail'),
  stop: fc.nat({ max: 4 }),
  number: fc.oneof(fc.integer({ min: -3, max: 3 }), real, fc.maxSafeInteger()),
  text: fc.string({ unit: 'binary', maxLength: 4 }),
});

/** Everything a mutator does to rows, decided by its arguments and its context alone. */
function perform(tx: MutatorTx, { kind, stop, number, text }: Operation, ctx: MutatorContext): void {
  const id = `stop-${stop}`;
  const row = { id, city: text === '' ? ctx.id() : text, height: number, nights: Math.floor(ctx.random() * 100) };
  switch (kind) {
    case 'add':
      return void tx.insert(stops).values(row).run();
    case 'addOrReplace':
      return void tx.run(sql`INSERT OR REPLACE INTO stops (id, city, height) VALUES (${id}, ${row.city}, ${number})`);
    case 'upsert':
      return void tx
        .insert(stops)
        .values(row)
        .onConflictDoUpdate({ target: stops.id, set: { height: number } })
        .run();
    case 'note':
      return void tx
        .insert(notes)
        .values({ stopId: id, line: Math.trunc(number), body: `${text}/${ctx.id()}` })
        .run();
    case 'scale':
      return void tx
        .update(stops)
        .set({ height: sql`${stops.height} * ${number} / ${3}`, nights: sql`${stops.nights} / ${2}` })
        .run();
    case 'move':
      return void tx.run(sql`UPDATE stops SET id = id || ${text} WHERE id = ${id}`);
    case 'visit':
      return void tx
        .update(stops)
        .set({ visited: ctx.random() < 0.5 })
        .where(gt(stops.nights, stop))
        .run();
    case 'remove':
      return void tx.delete(stops).where(eq(stops.id, id)).run();
    case 'tally': {
      const [all] = tx
        .select({ stops: count(), text: sql<string>`group_concat(${stops.city}, '|' ORDER BY ${stops.id})` })
        .from(stops)
        .all();
      return void tx
        .update(stops)
        .set({ nights: all?.stops ?? 0, height: all?.text?.length ?? null })
        .where(eq(stops.id, id))
        .run();
    }
    case 'photo':
      return void tx
        .update(stops)
        .set({ photo: Buffer.from(Uint8Array.from(text, (unit) => unit.charCodeAt(0) & 0xff)) })
        .run();
    case 'fail':
      if (stop === 0) throw new AlcoveError('forbidden', `refused ${text}`);
  }
}

const mutators = {
  all: mutator(v.any(), (tx, operations: Operation[], ctx) => {
    for (const one of operations) perform(tx, one, ctx);
  }),
  /** Goes on after what fails. */
  each: mutator(v.any(), (tx, operations: Operation[], ctx) => {
    for (const one of operations) {
      try {
        tx.transaction((inner) => perform(inner, one, ctx));
      } catch (error) {
        if (!(error instanceof AlcoveError)) throw error;
      }
    }
  }),
};

it('[MU-17] the same mutations over the same rows make the same changes, or fail with the same code, on every engine', async () => {
  expect(engines.length).toBeGreaterThan(1);
  const call = fc.record({
    name: fc.constantFrom('all', 'each'),
    operations: fc.array(operation, { maxLength: 8 }),
    seed: fc.stringMatching(/^[a-z]{4}$/),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 6 }), async (calls) => {
      const rooms = await Promise.all(engines.map((engine) => MutationRoom.open(engine, mutators)));
      try {
        for (const { name, operations, seed } of calls) {
          const [first, ...others] = rooms.map((room) => {
            const args = operations.map((one) => ({ ...one }));
            try {
              const { statements, rows } = room.run(name, args, { seed });
              return { statements, rows, changes: room.take() };
            } catch (error) {
              if (!(error instanceof AlcoveError)) throw error;
              return { code: error.code, changes: room.take() };
            }
          });
          for (const other of others) expect(other).toEqual(first);
        }
        const [first, ...others] = rooms.map((room) => [room.rows('stops'), room.rows('notes')]);
        for (const other of others) expect(other).toEqual(first);
      } finally {
        for (const room of rooms) room.close();
      }
    }),
    { numRuns: 150 },
  );
}, 60_000);
