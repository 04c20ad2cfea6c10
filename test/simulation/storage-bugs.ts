import { AlcoveError } from '@alcove/core/error';
import { decodeClientMessage, encodeMessage } from '@alcove/core/protocol/codec';
import type { RoomStorage, Storage } from '../../packages/client/src/storage/storage.ts';
import type { EngineStorage } from '../../packages/client/src/sync/engine-storage.ts';
import { ReplicaFlow } from '../../packages/client/src/sync/replica-flow.ts';
import type { OpenTabChannel } from '../../packages/client/src/tabs/tab-channel.ts';
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
      advance: (advance, removed) =>
        inner.advance(
          { ...advance, commits: advance.commits.map((commit) => (random.chance(0.2) ? { ...commit, changes: [] } : commit)) },
          removed,
        ),
    })),
  }),
  () => ({
    name: 'rejection-not-kept',
    what: 'a rejection leaves the disk with its mutation',
    needsStorage: true,
    engineStorage: changed((inner) => ({ advance: (advance, removed) => inner.advance({ ...advance, rejections: [] }, removed) })),
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
  () => ({
    name: 'forgets-unlooked',
    what: 'a room is forgotten without a look at what other pages have pending in it',
    needsStorage: true,
    device: (device) => ({ ...device, storage: async () => seesNothingPending(await device.storage()) }),
  }),
  () => ({
    name: 'forgotten-begun-anew',
    what: 'a tab that did not hear that its room was forgotten puts what it has on the disk again',
    needsStorage: true,
    device: (device) => ({ ...device, openChannel: saysNothingOfForgetting(device.openChannel) }),
    engineStorage: (engine) => ({
      ...engine,
      storage: {
        ...engine.storage,
        open: (place, groupId) =>
          engine.storage.open(place, groupId).catch((error: unknown) => {
            if (AlcoveError.from(error).code === 'closed') return engine.storage.open(place);
            throw error;
          }),
      },
    }),
  }),
  () => ({
    name: 'dismissal-not-written',
    what: 'a line that is dismissed goes from the lists of the tabs and stays on the disk',
    needsStorage: true,
    engineStorage: changed(() => ({ dismiss: () => Promise.resolve() })),
  }),
  () => ({
    name: 'schema-not-named',
    what: 'the disk is not told under which schema something was called',
    needsStorage: true,
    engineStorage: changed((inner) => ({ enqueue: (client, mutations) => inner.enqueue(client, mutations) })),
  }),
  keptShownTwice,
  shownNotSaid,
];

/** As it was until no turn began in the middle of a change any more. */
function keptShownTwice(): Bug {
  return {
    name: 'kept-shown-twice',
    what: 'a turn begins while a kept replica is handed over: it is shown twice, and closed the second time, under its queries',
    needsStorage: true,
    put: () => {
      const { restore } = ReplicaFlow.prototype;
      ReplicaFlow.prototype.restore = function (this: ReplicaFlow, kept): void {
        restore.call(this, kept);
        this.rebase();
        if (this.database === kept.replica.database) restore.call(this, kept);
      };
      return () => {
        ReplicaFlow.prototype.restore = restore;
      };
    },
  };
}

/** As it was until hello said it. */
function shownNotSaid(): Bug {
  return {
    name: 'shown-not-said',
    what: 'a worker that takes the place of another does not tell the room what that one showed, where it goes on from something else',
    needsRestores: true,
    socket: (socket, { runtime }) => ({
      ...socket,
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
      send: (frame) => {
        const message = decodeClientMessage(frame, runtime, { messageBytesMax: 64_000_000 });
        if (message?.type !== 'hello') return socket.send(frame);
        const { shown: _, ...hello } = message;
        socket.send(encodeMessage(hello, 'json', runtime));
      },
    }),
  };
}

/** Storage in which nobody has anything to lose. */
const seesNothingPending = (storage: Storage): Storage => ({
  ...storage,
  open: async (place, groupId) => {
    const room = await storage.open(place, groupId);
    return new Proxy(room, {
      get: (target, name) => {
        if (name === 'outbox') return () => Promise.resolve({ clients: [], mutations: [] });
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  },
});

/** No mistake yet: messages between tabs may be lost. */
const saysNothingOfForgetting =
  (open: OpenTabChannel): OpenTabChannel =>
  (name, onMessage) => {
    const channel = open(name, onMessage);
    return { ...channel, post: (message) => (message.type === 'forget' ? undefined : channel.post(message)) };
  };

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
