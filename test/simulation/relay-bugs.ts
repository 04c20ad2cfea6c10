import type { HelloMessage } from '@alcove/core/protocol/client-message';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '@alcove/core/protocol/codec';
import type { ServerMessageOf, WelcomeMessage } from '@alcove/core/protocol/server-message';
import { SEES_ALL } from '../../packages/server/src/access/reader-class.ts';
import { CatchUp } from '../../packages/server/src/change-stream/catch-up.ts';
import { HeldResults } from '../../packages/server/src/follow/held-results.ts';
import { RelayedStates } from '../../packages/server/src/follow/relayed-states.ts';
import { ServedRoom } from '../../packages/server/src/follow/served-room.ts';
import { RelayedConnection } from '../../packages/server/src/host/node/relayed-connection.ts';
import { RelayedRoom } from '../../packages/server/src/host/node/relayed-room.ts';
import { Subscribers } from '../../packages/server/src/room/subscribers.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import type { Bug } from './bug.ts';
import { replaced } from './replaced.ts';

const LIMITS = { messageBytesMax: 64_000_000 };
const RUNTIME = new FakeRuntime({ seed: 'bug' });

/** Mistakes on the way of tabs through followers. */
export const RELAY_BUGS: readonly (() => Bug)[] = [
  () => ({
    name: 'results-not-held',
    what: 'a follower tells results as they come, and not with the commit of their version',
    needsRelay: true,
    put: () => {
      const told = replaced(HeldResults.prototype, 'told', function (this: HeldResults, { connectionId }) {
        this.forget(connectionId);
      });
      const { at } = HeldResults.prototype;
      const all = replaced(HeldResults.prototype, 'at', function (this: HeldResults, session) {
        return at.call(this, session, Number.MAX_SAFE_INTEGER);
      });
      return () => {
        all();
        told();
      };
    },
  }),
  () => ({
    name: 'stream-ahead-of-snapshot',
    what: 'a follower goes on from where its file is now, and the snapshot that it sent is older',
    needsRelay: true,
    put: () =>
      whileServing((served) => {
        const { begin } = Subscribers.prototype;
        return replaced(Subscribers.prototype, 'begin', function (this: Subscribers<never>, session, version) {
          begin.call(this, session, Math.max(version, served()?.version ?? 0));
        });
      }),
  }),
  () => ({
    name: 'rules-not-in-catch-up',
    what: 'what a tab missed is sent by a follower as the log has it, whoever may see it',
    needsRelay: true,
    needsAccess: true,
    put: () =>
      whileServing((served) => {
        const { range } = CatchUp.prototype;
        return replaced(CatchUp.prototype, 'range', function (this: CatchUp, from, head, reader) {
          return range.call(this, from, head, served() === null ? reader : SEES_ALL);
        });
      }),
  }),
  () => ({
    name: 'claims-of-another',
    what: 'a follower is told the claims of whoever came in before',
    needsRelay: true,
    needsAccess: true,
    put: () => {
      let before: WelcomeMessage['user'] = null;
      const { admitted } = RelayedConnection.prototype;
      return replaced(RelayedConnection.prototype, 'admitted', function (this: RelayedConnection, user, expiresInMs) {
        admitted.call(this, before ?? user, expiresInMs);
        before = user;
      });
    },
  }),
  () => ({
    name: 'fresh-claims-untold',
    what: 'a tab at a follower that shows a fresh token goes on with the rows of the one before',
    needsRelay: true,
    needsAccess: true,
    put: () => {
      const known = new WeakMap<ServedRoom, Set<string>>();
      const { access } = ServedRoom.prototype;
      return replaced(ServedRoom.prototype, 'access', function (this: ServedRoom, connectionId, word) {
        const seen = known.get(this) ?? new Set();
        known.set(this, seen);
        if (!seen.has(connectionId)) access.call(this, connectionId, word);
        seen.add(connectionId);
      });
    },
  }),
  pushOfAnother,
  () => ({
    name: 'welcomed-behind',
    what: 'a follower welcomes a tab while its file is older than what the tab was shown elsewhere',
    needsRelay: true,
    put: () => {
      const { fromPrimary } = ServedRoom.prototype;
      return replaced(ServedRoom.prototype, 'fromPrimary', function (this: ServedRoom, connectionId, frame) {
        const message = decodeServerMessage(frame, RUNTIME, LIMITS);
        if (message?.type !== 'welcome') return fromPrimary.call(this, connectionId, frame);
        const text = encodeMessage({ ...message, version: 0 }, 'json', RUNTIME);
        fromPrimary.call(this, connectionId, typeof text === 'string' ? asFrame(text) : text);
      });
    },
  }),
  () => ({
    name: 'fresh-copy-untold',
    what: 'a follower takes a fresh copy of the room, of another history perhaps, and its tabs go on with what they had',
    needsRelay: true,
    put: () => {
      const { lost } = RelayedRoom.prototype;
      return replaced(RelayedRoom.prototype, 'lost', function (this: RelayedRoom, error) {
        if (!error.message.includes('fresh copy')) lost.call(this, error);
      });
    },
  }),
  leaversKept,
  () => ({
    name: 'leavers-untold',
    what: 'a follower does not tell its tabs that somebody left',
    needsRelay: true,
    put: () => {
      const { take } = RelayedStates.prototype;
      return replaced(RelayedStates.prototype, 'take', function (this: RelayedStates, message) {
        if (message.type !== 'presence') return take.call(this, message);
        take.call(this, { ...message, entries: message.entries.filter(({ state }) => state !== null) });
      });
    },
  }),
];

/** A push goes on under the session of somebody else at the follower. */
function pushOfAnother(): Bug {
  return {
    name: 'push-of-another',
    what: 'what a tab of a follower pushes reaches the primary as another tab’s',
    needsRelay: true,
    put: () => {
      const hellos = new Map<RelayedConnection, HelloMessage>();
      const { came } = RelayedConnection.prototype;
      return replaced(RelayedConnection.prototype, 'came', function (this: RelayedConnection, frame) {
        const message = decodeClientMessage(frame, RUNTIME, LIMITS);
        if (message?.type === 'hello') hellos.set(this, message);
        const other = [...hellos].findLast(([, { groupId }]) => groupId !== hellos.get(this)?.groupId)?.[0];
        came.call(message?.type === 'push' && other !== undefined ? other : this, frame);
      });
    },
  };
}

/** What a follower knew of who is here is added to what its primary tells it when it comes again. */
function leaversKept(): Bug {
  return {
    name: 'leavers-kept',
    what: 'who left while a follower was cut off is still there for its tabs',
    needsRelay: true,
    put: () => {
      const known = new WeakMap<RelayedRoom, ServerMessageOf<'presence'>['entries'][number][]>();
      const { states } = RelayedRoom.prototype;
      return replaced(RelayedRoom.prototype, 'states', function (this: RelayedRoom, message) {
        if (message.type !== 'presence') return states.call(this, message);
        const told = new Set(message.entries.map(({ sessionId }) => sessionId));
        const before = (known.get(this) ?? []).filter(({ sessionId }) => !told.has(sessionId));
        known.set(this, [...before, ...message.entries.filter(({ state }) => state !== null)]);
        states.call(this, message.reset ? { ...message, entries: [...before, ...message.entries] } : message);
      });
    },
  };
}

/** Puts something in that is told which served room is at work, and where its file is. */
function whileServing(put: (served: () => { readonly version: number } | null) => () => void): () => void {
  const versions = new WeakMap<ServedRoom, number>();
  let now: ServedRoom | null = null;
  const { receive, fromPrimary, taken, tick } = ServedRoom.prototype;
  const within = (served: ServedRoom, run: () => void): void => {
    const before = now;
    now = served;
    try {
      run();
    } finally {
      now = before;
    }
  };
  const takeOut = [
    put(() => (now === null ? null : { version: versions.get(now) ?? 0 })),
    replaced(ServedRoom.prototype, 'receive', function (this: ServedRoom, connectionId, frame) {
      within(this, () => receive.call(this, connectionId, frame));
    }),
    replaced(ServedRoom.prototype, 'fromPrimary', function (this: ServedRoom, connectionId, frame) {
      within(this, () => fromPrimary.call(this, connectionId, frame));
    }),
    replaced(ServedRoom.prototype, 'taken', function (this: ServedRoom, versionsTaken) {
      versions.set(this, versionsTaken.version);
      within(this, () => taken.call(this, versionsTaken));
    }),
    replaced(ServedRoom.prototype, 'tick', function (this: ServedRoom) {
      within(this, () => tick.call(this));
    }),
  ];
  return () => {
    for (const restore of takeOut) restore();
  };
}

/** A text as the way between two servers carries it. */
function asFrame(text: string): Uint8Array {
  const bytes = RUNTIME.utf8.encode(text);
  const frame = new Uint8Array(bytes.length + 1);
  frame.set(bytes, 1);
  return frame;
}
