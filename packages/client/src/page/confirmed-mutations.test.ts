import { expect, it } from 'vitest';
import { ConfirmedMutations, LISTED_MAX, REMEMBERED_CHARACTERS_MAX, REMEMBERED_MAX } from './confirmed-mutations.ts';
import { TrackedMutation } from './mutation-handle.ts';

const mutation = (callId: number, args: string) => new TrackedMutation({ callId, name: 'add', args, seed: 's', nowMs: 1 });

it('[OB-16] remembers the newest confirmed mutations within its bounds', () => {
  const confirmed = new ConfirmedMutations();
  for (let id = 1; id <= REMEMBERED_MAX + 5; id += 1) confirmed.remember('a', id, mutation(id, ''));
  expect(confirmed.takeLost('a', 0).map(({ callId }) => callId)[0]).toBe(6);
  expect(confirmed.takeLost('a', 0)).toEqual([]);
  confirmed.remember('a', 1, mutation(1, 'small'));
  confirmed.remember('b', 2, mutation(2, 'x'.repeat(REMEMBERED_CHARACTERS_MAX - 10)));
  confirmed.remember('b', 3, mutation(3, 'another'));
  expect([confirmed.takeLost('a', 0), confirmed.takeLost('b', 1).map(({ callId }) => callId)]).toEqual([[], [3]]);
});

it('[WK-43] lists the newest of them, each line once made', () => {
  const confirmed = new ConfirmedMutations();
  for (let id = 1; id <= LISTED_MAX + 5; id += 1) confirmed.remember('a', id, mutation(id, ''));
  const lines = confirmed.newest();
  expect(lines.map(({ key }) => key)).toEqual(Array.from({ length: LISTED_MAX }, (_, index) => index + 6));
  confirmed.remember('a', 200, mutation(200, ''));
  expect(confirmed.newest().at(-2)).toBe(lines.at(-1));
  // What the room lost is not applied any more.
  confirmed.takeLost('a', 100);
  expect(confirmed.newest().at(-1)).toBe(lines.at(-6));
});
