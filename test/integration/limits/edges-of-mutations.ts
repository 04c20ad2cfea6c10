import { expect } from 'vitest';
import type { Edge } from './edge.ts';
import { allApplied, firstRefused } from './expect-fates.ts';
import type { Peer } from './peer.ts';

/** Refilled so slowly that a busy machine gets no more than the burst. */
const SLOWLY = { perSecond: 1, burst: 10 };

/** Pushes it until it is taken, as a client that waits does. */
const pushUntilTaken = async (peer: Peer): Promise<void> => {
  for (let tries = 0; tries < 10_000; tries += 1) {
    const [fate] = await peer.notes(1);
    if (fate?.how === 'applied') return;
    expect(fate?.code).toBe('rate_limited');
  }
  expect.unreachable('it was never taken');
};

/** How many mutations may come, and how many may wait. */
const EDGES_OF_RATES: readonly Edge[] = [
  {
    limit: 'sessionMutationsPerSecondMax',
    set: { sessionMutationsPerSecondMax: SLOWLY.perSecond, sessionMutationsBurst: SLOWLY.burst },
    code: 'rate_limited',
    waits: true,
    under: async (at) => allApplied(await (await at.join('ann')).notes(10)),
    over: async (at) => {
      const peer = await at.join('ann');
      const told = firstRefused(await peer.notes(11), 10, peer);
      await pushUntilTaken(peer);
      return told;
    },
  },
  {
    limit: 'userMutationsPerSecondMax',
    set: { userMutationsPerSecondMax: SLOWLY.perSecond, userMutationsBurst: SLOWLY.burst },
    code: 'rate_limited',
    waits: true,
    under: async (at) => {
      allApplied(await (await at.join('ann')).notes(6));
      allApplied(await (await at.join('ann')).notes(4));
    },
    over: async (at) => {
      const [one, two] = [await at.join('bob'), await at.join('bob')];
      allApplied(await one.notes(6));
      const told = firstRefused(await two.notes(5), 4, two);
      allApplied(await (await at.join('cay')).notes(10));
      return told;
    },
  },
  {
    limit: 'roomMutationsPerSecondMax',
    set: { roomMutationsPerSecondMax: SLOWLY.perSecond, roomMutationsBurst: SLOWLY.burst },
    code: 'rate_limited',
    waits: true,
    under: async (at) => {
      allApplied(await (await at.join('ann', 'one')).notes(6));
      allApplied(await (await at.join('bob', 'one')).notes(4));
    },
    over: async (at) => {
      allApplied(await (await at.join('ann', 'two')).notes(6));
      const bob = await at.join('bob', 'two');
      return firstRefused(await bob.notes(5), 4, bob);
    },
  },
  {
    limit: 'userMutationsPerSecondEverywhereMax',
    set: { userMutationsPerSecondEverywhereMax: SLOWLY.perSecond, userMutationsEverywhereBurst: SLOWLY.burst },
    code: 'rate_limited',
    waits: true,
    under: async (at) => {
      allApplied(await (await at.join('ann', 'one')).notes(6));
      allApplied(await (await at.join('ann', 'two')).notes(4));
    },
    over: async (at) => {
      allApplied(await (await at.join('bob', 'one')).notes(6));
      const bob = await at.join('bob', 'two');
      const told = firstRefused(await bob.notes(5), 4, bob);
      allApplied(await (await at.join('cay', 'two')).notes(10));
      return told;
    },
  },
  {
    limit: 'sessionQueuedMutationsMax',
    set: { sessionQueuedMutationsMax: 3 },
    code: 'rate_limited',
    waits: true,
    under: async (at) => allApplied(await (await at.join('ann')).notes(3)),
    over: async (at) => {
      const peer = await at.join('ann');
      const told = firstRefused(await peer.notes(4), 3, peer);
      allApplied(await peer.notes(1));
      return told;
    },
  },
  {
    limit: 'userQueuedMutationsMax',
    set: { userQueuedMutationsMax: 3 },
    code: 'rate_limited',
    waits: true,
    under: async (at) => allApplied(await (await at.join('ann')).notes(3)),
    over: async (at) => {
      const peer = await at.join('ann');
      return firstRefused(await peer.notes(4), 3, peer);
    },
  },
  {
    limit: 'userQueuedBytesMax',
    set: { userQueuedBytesMax: 2_000 },
    code: 'rate_limited',
    waits: true,
    under: async (at) => allApplied(await (await at.join('ann')).notes(2, 'x'.repeat(800))),
    over: async (at) => {
      const peer = await at.join('ann');
      return firstRefused(await peer.notes(3, 'x'.repeat(800)), 2, peer);
    },
  },
  {
    limit: 'queuedMutationsMax',
    set: { queuedMutationsMax: 3, sessionQueuedMutationsMax: 3 },
    code: 'overloaded',
    waits: true,
    under: async (at) => allApplied(await (await at.join('ann')).notes(3)),
    over: async (at) => {
      const peer = await at.join('ann');
      return firstRefused(await peer.notes(4), 3, peer);
    },
  },
  {
    limit: 'queuedBytesMax',
    set: { queuedBytesMax: 2_000 },
    code: 'overloaded',
    waits: true,
    under: async (at) => allApplied(await (await at.join('ann')).notes(2, 'x'.repeat(800))),
    over: async (at) => {
      const peer = await at.join('ann');
      return firstRefused(await peer.notes(3, 'x'.repeat(800)), 2, peer);
    },
  },
  {
    limit: 'clientRejectionsMax',
    set: { clientRejectionsMax: 2 },
    code: 'rate_limited',
    waits: true,
    under: async (at) => {
      const fates = await (await at.join('ann')).push(['fails', null], ['fails', null]);
      expect(fates.map(({ how }) => how)).toEqual(['rejected', 'rejected']);
    },
    over: async (at) => {
      const peer = await at.join('ann');
      await peer.push(['fails', null], ['fails', null]);
      const [told] = await peer.notes(1);
      peer.client.say({ type: 'heard', clientId: peer.client.clientId, upTo: 2 });
      allApplied(await peer.notes(1));
      return { code: told?.code, retryAfterMs: told?.retryAfterMs, peer };
    },
  },
];

/** What one mutation may cost. */
const EDGES_OF_RUNS: readonly Edge[] = [
  {
    limit: 'mutatorRowsMax',
    set: { mutatorRowsMax: 10 },
    code: 'mutator_limit',
    under: async (at) => allApplied(await (await at.join('ann')).push(['rows', { count: 10 }])),
    over: async (at) => {
      const peer = await at.join('ann');
      return firstRefused(await peer.push(['note', { body: 'a' }], ['rows', { count: 11 }], ['note', { body: 'b' }]), 1, peer);
    },
  },
  {
    limit: 'mutatorStatementsMax',
    set: { mutatorStatementsMax: 10 },
    code: 'mutator_limit',
    under: async (at) => allApplied(await (await at.join('ann')).push(['statements', { count: 10 }])),
    over: async (at) => {
      const peer = await at.join('ann');
      return firstRefused(await peer.push(['statements', { count: 11 }]), 0, peer);
    },
  },
  {
    limit: 'mutatorTimeBudgetMs',
    set: { mutatorTimeBudgetMs: 2_000, mutatorStatementsMax: 10_000_000 },
    code: 'mutator_timeout',
    under: async (at) => allApplied(await (await at.join('ann')).push(['lasts', { ms: 1 }])),
    over: async (at) => {
      const peer = await at.join('ann');
      return firstRefused(await peer.push(['lasts', { ms: 2_100 }]), 0, peer);
    },
  },
];

export const EDGES_OF_MUTATIONS: readonly Edge[] = [...EDGES_OF_RATES, ...EDGES_OF_RUNS];
