import type { RoomStorage } from '../../packages/client/src/storage/storage.ts';
import type { EngineStorage } from '../../packages/client/src/sync/engine-storage.ts';
import type { Prng } from '../fake/prng.ts';
import type { Bug } from './bug.ts';

/** Mistakes in how a browser keeps a room; see bugs.ts. */
export const STORAGE_BUGS: readonly (() => Bug)[] = [
  () => ({
    name: 'stored-told-early',
    what: 'a mutation is told to be on the disk before its transaction has ended',
    needsStorage: true,
    engineStorage: changed((inner) => ({
      enqueue: (client, mutations) => {
        inner.enqueue(client, mutations).catch(() => undefined);
        return Promise.resolve();
      },
    })),
  }),
  () => ({
    name: 'outbox-row-lost',
    what: 'a client’s counter is written and its mutation is not',
    needsStorage: true,
    engineStorage: changed((inner, random) => ({
      enqueue: (client, mutations) => inner.enqueue(client, random.chance(0.3) ? mutations.slice(1) : mutations),
    })),
  }),
  () => ({
    name: 'tail-over-gap',
    what: 'commits are appended although one before them is missing',
    needsStorage: true,
    engineStorage: changed((inner, random) => ({
      advance: (advance) =>
        inner.advance({
          ...advance,
          commits: advance.commits.map((commit) => (random.chance(0.2) ? { ...commit, changes: [] } : commit)),
        }),
    })),
  }),
  () => ({
    name: 'rejection-not-kept',
    what: 'a rejection leaves the disk with its mutation',
    needsStorage: true,
    engineStorage: changed((inner) => ({ advance: (advance) => inner.advance({ ...advance, rejections: [] }) })),
  }),
  () => ({
    name: 'adoption-without-lock',
    what: 'a client is taken over whose page lives',
    needsStorage: true,
    pageLocks: () => ({ hold: () => Promise.resolve(() => undefined) }),
  }),
  () => ({
    name: 'shown-forgotten',
    what: 'after its worker was replaced a tab shows what the disk has, which is older than what it showed',
    needsStorage: true,
    forgetsShown: true,
  }),
];

type Changes = (inner: RoomStorage, random: Prng) => Partial<RoomStorage>;

/** Storage whose rooms do something else in some methods. */
const changed =
  (changes: Changes) =>
  (engine: EngineStorage, random: Prng): EngineStorage => ({
    ...engine,
    storage: {
      remove: (place) => engine.storage.remove(place),
      open: async (place, groupId) => {
        const inner = await engine.storage.open(place, groupId);
        const others = changes(inner, random);
        return new Proxy(inner, {
          get: (target, name) => {
            // Methods of the product's class need their own `this`.
            const value: unknown = Reflect.get(Object.hasOwn(others, name) ? others : target, name);
            return typeof value === 'function' ? (value.bind(target) as unknown) : value;
          },
        });
      },
    },
  });
