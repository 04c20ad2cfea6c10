import { expect, it } from 'vitest';
import { SnapshotTries } from './snapshot-tries.ts';

it('asks for images first, and for rows alone after two images that failed, until a snapshot is shown', () => {
  const tries = new SnapshotTries(true);
  tries.imageFailed();
  expect(tries.kinds).toEqual(['image', 'rows']);
  tries.imageFailed();
  expect(tries.kinds).toEqual(['rows']);
  tries.applied();
  expect(tries.kinds).toEqual(['rows']);
  tries.shown();
  expect(tries.kinds).toEqual(['image', 'rows']);
});

it('asks for rows alone where no image can be fetched', () => {
  expect(new SnapshotTries(false).kinds).toEqual(['rows']);
});

it('gives the session up with every third failure in a row', () => {
  const tries = new SnapshotTries(true);
  expect([1, 2, 3, 4, 5, 6].map(() => tries.failed())).toEqual([true, true, false, true, true, false]);
  expect([tries.failed(), tries.failed()]).toEqual([true, true]);
  tries.applied();
  expect([tries.failed(), tries.failed(), tries.failed()]).toEqual([true, true, false]);
});
