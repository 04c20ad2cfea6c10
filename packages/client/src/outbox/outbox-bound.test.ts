import type { Mutation } from '@alcove/core/mutation/mutation';
import { expect, it } from 'vitest';
import { Outbox } from './outbox.ts';

const mutationOf = (mutationId: number): Mutation => ({ clientId: 'me', mutationId, name: 'addStop', args: null, seed: '', nowMs: 0 });

it('[TB-14] what other tabs have pending counts against both bounds, as it is by then; what is added all the same counts, too', () => {
  const beside = { count: 3, bytes: 30 };
  const outbox = new Outbox({ outboxMutationsMax: 5, outboxBytesMax: 60, pushWindowMutationsMax: 10 }, undefined, beside);
  const roomFor =
    (mutationId: number, bytes = 10) =>
    () =>
      outbox.assertRoomFor(mutationOf(mutationId), bytes);
  outbox.add(mutationOf(1), 10);
  expect(roomFor(2)).not.toThrow();
  expect(roomFor(2, 21)).toThrow('the 4 pending mutations have 40 bytes, 3 of them of other tabs; the bound is 60');
  // Taken over: nobody asks.
  outbox.add(mutationOf(2), 10);
  expect(roomFor(3)).toThrow('5 mutations are pending, 3 of them of other tabs; the bound is 5');
  beside.count = 0;
  expect(roomFor(3)).not.toThrow();
  beside.bytes = 31;
  expect(roomFor(3)).toThrow('the 2 pending mutations have 51 bytes; the bound is 60');
});
