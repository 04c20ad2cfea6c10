import type { Mutation } from '@alcove/core/mutation/mutation';
import { describe, expect, it } from 'vitest';
import { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { allNames, wholeClients } from './join-names.ts';
import { leftClients } from './left-client.ts';

/** `call` tells the mutation, whatever it goes by. */
const mutationOf = (clientId: string, mutationId: number, call: string): Mutation => ({
  clientId,
  mutationId,
  name: 'addStop',
  args: null,
  seed: call,
  nowMs: 7,
});
const numbered = (clientId: string, from: number, calls: string): Mutation[] =>
  [...calls].map((call, index) => mutationOf(clientId, from + index, call));
const rowOf = (clientId: string, confirmed: number, lastMutationId: number) => ({
  clientId,
  lastMutationId,
  confirmed,
  confirmedAt: null,
  welcomed: 3,
  seenAtMs: 0,
});

interface Place {
  readonly rows?: readonly ReturnType<typeof rowOf>[];
  readonly stored?: readonly Mutation[];
  /** By client: how far it has come, and what is pending. */
  readonly heard?: Readonly<Record<string, readonly [confirmed: number, pending: readonly Mutation[]]>>;
}

/** What is taken over of client a. */
function left({ rows = [], stored = [], heard = {} }: Place) {
  const siblings = new SiblingMutations();
  for (const [clientId, [confirmed, pending]] of Object.entries(heard)) siblings.add(clientId, confirmed, pending);
  const kept = { clients: rows, mutations: stored.map((mutation) => ({ ...mutation, schemaId: 's' })) };
  const names = allNames(['a', ...rows.map(({ clientId }) => clientId)], siblings.known());
  return leftClients(names, kept, siblings).map(({ client, mutations, unstored, older }) => ({
    clientId: client.clientId,
    counters: [client.confirmed, client.lastMutationId],
    calls: mutations.map(({ mutationId, seed }) => `${mutationId} ${seed}`).join(', '),
    unstored: unstored.map(({ mutationId }) => mutationId),
    older: older.map(({ clientId }) => clientId),
  }));
}

describe('[OB-20] what is left of a client under several names', () => {
  const onDisk = { rows: [rowOf('a', 5, 8)], stored: numbered('a', 6, 'xyz') };

  it('goes on under the newest; what is the same there, and what was decided there, is not taken over once more', () => {
    expect(left({ ...onDisk, heard: { 'a~h': [1, numbered('a~h', 2, 'y')] } })).toEqual([
      { clientId: 'a~h', counters: [1, 3], calls: '2 y, 3 z', unstored: [2, 3], older: ['a'] },
    ]);
  });

  it('is all that was decided where the newest has nothing left', () => {
    expect(left({ ...onDisk, heard: { 'a~h': [3, []] } })).toEqual([
      { clientId: 'a~h', counters: [3, 3], calls: '', unstored: [], older: ['a'] },
    ]);
  });

  it('is told by what the names have in common, also where the older is behind on the disk, and stands behind what was called later', () => {
    const behind = { rows: [rowOf('a', 3, 8)], stored: numbered('a', 4, 'vwxyz') };
    const later = mutationOf('a~h', 4, 'later');
    expect(left({ ...behind, heard: { 'a~h': [0, [...numbered('a~h', 1, 'xy'), later]] } })).toEqual([
      { clientId: 'a~h', counters: [0, 4], calls: '1 x, 2 y, 3 z, 4 later', unstored: [1, 2, 4, 3], older: ['a'] },
    ]);
  });

  it('is that of one name where only one was found, on the disk or by word', () => {
    expect(left(onDisk)).toMatchObject([{ clientId: 'a', counters: [5, 8], calls: '6 x, 7 y, 8 z', older: [] }]);
    expect(left({ heard: { 'a~h': [1, numbered('a~h', 2, 'y')], a: [Number.MAX_SAFE_INTEGER, []] } })).toMatchObject([
      { clientId: 'a~h', calls: '2 y', older: [] },
    ]);
    expect(left({ heard: { 'a~h': [3, []] } })).toEqual([]);
  });

  it('goes by what was heard of last: a page writes at once that it renamed a client', () => {
    const stored = { rows: [rowOf('a~h1', 2, 3)], stored: numbered('a~h1', 3, 'x') };
    expect(left({ ...stored, heard: { 'a~h1': [2, []], 'a~h2': [0, numbered('a~h2', 1, 'xy')] } })).toMatchObject([
      { clientId: 'a~h2', calls: '1 x, 2 y', older: ['a~h1'] },
    ]);
    expect(left({ ...stored, heard: { 'a~h0': [9, []] } })).toMatchObject([{ clientId: 'a~h1', counters: [2, 3], calls: '3 x' }]);
  });
});

it('[OB-20] a client is left to others under all of its names', () => {
  expect(wholeClients(['a', 'b', 'b~h', 'c'], (clientId) => clientId !== 'b')).toEqual(['a', 'c']);
});
