import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { mutator } from './define-mutator.ts';

const stops = sqliteTable('stops', { id: text().primaryKey() });

describe('mutator', () => {
  it('[MU-9] type-checks synchronous bodies, also those that always throw', () => {
    const bodies = [
      mutator(() => undefined),
      mutator((tx) => tx.insert(stops).values({ id: 'a' }).run()),
      mutator(v.string(), (tx, id) => {
        tx.insert(stops).values({ id }).run();
      }),
      mutator(() => {
        throw new RangeError('never');
      }),
    ];
    expect(bodies.map(({ kind }) => kind)).toEqual(['mutator', 'mutator', 'mutator', 'mutator']);
  });

  it('[MU-21] says whether it is idempotent, with a validator and without one', () => {
    const run = () => undefined;
    const mutators = [
      mutator(run),
      mutator(run, { idempotent: true }),
      mutator(v.string(), run),
      mutator(v.string(), run, { idempotent: true }),
    ];
    expect(mutators.map(({ idempotent }) => idempotent)).toEqual([false, true, false, true]);
  });

  it('[MU-9] does not type-check promises, possible promises and builders that were not run', () => {
    const bodies = [
      // @ts-expect-error -- a promise
      mutator(async () => undefined),
      // @ts-expect-error -- sometimes a promise
      mutator(v.boolean(), (_tx, later) => (later ? Promise.resolve() : undefined)),
      // @ts-expect-error -- an insert that was not run
      mutator((tx) => tx.insert(stops).values({ id: 'a' })),
      // @ts-expect-error -- a select that was not run
      mutator((tx) => tx.select().from(stops)),
    ];
    expect(bodies).toHaveLength(4);
  });
});
