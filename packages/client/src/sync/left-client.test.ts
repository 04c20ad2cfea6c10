import type { Mutation } from '@alcove/core/mutation/mutation';
import { describe, expect, it } from 'vitest';
import { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { leftClients } from './left-client.ts';

const mutationOf = (mutationId: number): Mutation => ({ clientId: 'gone', mutationId, name: 'addStop', args: null, seed: '', nowMs: 0 });
const rowOf = (lastMutationId: number, confirmed: number, welcomed: number | null = 3) => ({
  clientId: 'gone',
  lastMutationId,
  confirmed,
  confirmedAt: null,
  welcomed,
  seenAtMs: 0,
});
const storedOf = (...ids: number[]) => ids.map((id) => ({ ...mutationOf(id), schemaId: 's' }));
const shownOf = (confirmed: number, ...ids: number[]): SiblingMutations => {
  const siblings = new SiblingMutations();
  siblings.add('gone', confirmed, ids.map(mutationOf));
  return siblings;
};
const ids = (mutations: readonly Mutation[]) => mutations.map(({ mutationId }) => mutationId);

describe('what a tab that is gone left', () => {
  it('[TB-10] is what the disk has and what was heard of; what was only heard of is known to be so', () => {
    const kept = { clients: [rowOf(4, 1)], mutations: storedOf(2, 3) };
    const [left] = leftClients(['gone'], kept, shownOf(0, 1, 3, 4, 5));
    expect(left?.client).toEqual({ clientId: 'gone', lastMutationId: 5, confirmed: 1, welcomed: 3 });
    expect(ids(left?.mutations ?? [])).toEqual([2, 3, 4, 5]);
    expect(ids(left?.unstored ?? [])).toEqual([4, 5]);
  });

  it('[TB-10] begins where its tab said that it does, also where the disk knows nothing of it', () => {
    const [left] = leftClients(['gone'], { clients: [], mutations: [] }, shownOf(2, 5));
    // Something of it was confirmed: a room that does not know it has forgotten it, and must not take it for a new one.
    expect(left?.client).toEqual({ clientId: 'gone', lastMutationId: 5, confirmed: 2, welcomed: 0 });
    expect(ids(left?.unstored ?? [])).toEqual([5]);
    expect(leftClients(['gone'], { clients: [], mutations: [] }, shownOf(0, 1))[0]?.client.welcomed).toBeNull();
  });

  it('[TB-10] is left where it is while the disk cannot be read and something is missing', () => {
    expect(leftClients(['gone'], null, shownOf(2, 5))).toEqual([]);
    expect(leftClients(['gone'], null, shownOf(2, 3, 5))).toEqual([]);
    const [whole] = leftClients(['gone'], null, shownOf(2, 3, 4));
    expect(whole?.client).toMatchObject({ lastMutationId: 4, confirmed: 2 });
    expect(leftClients(['gone'], null, shownOf(2))).toEqual([]);
  });

  it('[ST-27] was welcomed first when its tab said, also where the disk did not get that', () => {
    const shown = shownOf(0, 1);
    for (const version of [9, null, 7, 8]) shown.welcomed('gone', version);
    for (const [welcomed, first] of [
      [null, 7],
      [5, 5],
      [8, 7],
    ] as const) {
      const [left] = leftClients(['gone'], { clients: [rowOf(1, 0, welcomed)], mutations: storedOf(1) }, shown);
      expect(left?.client.welcomed).toBe(first);
    }
  });

  it('[TB-10] is nothing where all of it has ended', () => {
    const siblings = shownOf(0, 1, 2);
    siblings.confirmed('gone', Number.MAX_SAFE_INTEGER, null);
    expect(leftClients(['gone'], { clients: [], mutations: [] }, siblings)).toEqual([]);
    expect(ids(siblings.take('gone', 1))).toEqual([2]);
    expect(ids(siblings.pendingOf('gone'))).toEqual([1]);
  });
});
