import { AwaitedMutations } from '../../packages/client/src/sync/awaited-mutations.ts';
import type { ReadAnswer, ReadRequest, Replica } from '../../packages/server/src/read/replica.ts';
import { ReadRouter } from '../../packages/server/src/read/read-router.ts';
import { WatchedReplica } from '../../packages/server/src/read/watched-replica.ts';
import { SessionReads } from '../../packages/server/src/room/session-reads.ts';
import type { Bug } from './bug.ts';
import { BrokenDatabase } from './room/broken-database.ts';
import { changedStatement } from './room/wrapped-database.ts';

/** Mistakes of replicas, of who follows and mirrors, of who routes, and of who asks. */
export const READ_BUGS: readonly (() => Bug)[] = [
  () => ({
    name: 'version-dropped-on-fail-over',
    what: 'a read that one replica could not answer is asked at the next one without its version',
    needsReads: true,
    put: () => {
      const before = new WeakSet<ReadRequest>();
      return asked((request) => {
        const isAgain = before.has(request);
        before.add(request);
        return isAgain;
      });
    },
  }),
  () => ({
    name: 'probe-unchecked',
    what: 'the read that tries a replica whose breaker is half open takes any version',
    needsReads: true,
    put: () => asked((_, ticket) => ticket.probesBreaker || ticket.probesPace),
  }),
  () => ({
    name: 'version-from-outside',
    what: 'a replica names the version that the primary spoke of last, and its rows are older',
    needsReads: true,
    replica: (replica) => {
      let newest: ReadAnswer['at'] | null = null;
      return answering(replica, async (request, read) => {
        if (request.atLeast !== null && request.atLeast.version >= (newest?.version ?? 0)) newest = request.atLeast;
        const answer = await read({ ...request, atLeast: null });
        return newest !== null && newest.historyId === answer.at.historyId && newest.version > answer.at.version
          ? { ...answer, at: newest }
          : answer;
      });
    },
  }),
  () => ({
    name: 'history-ignored',
    what: 'a version is a version: nobody looks of which history it is',
    needsReads: true,
    replica: (replica) =>
      answering(replica, async (request, read) => {
        const { atLeast } = request;
        const answer = await read({ ...request, atLeast: null });
        if (atLeast === null || answer.at.version < atLeast.version) return answer;
        return { ...answer, at: { ...answer.at, historyId: atLeast.historyId } };
      }),
  }),
  () => ({
    name: 'record-half-taken',
    what: 'a follower takes a version into its log, and not all of its rows',
    needsReads: true,
    followerDatabase: (database, random) =>
      new BrokenDatabase(database, /^INSERT INTO "(?:entries|pages|notes)"/, (inner) =>
        changedStatement(inner, { run: (params) => (random.chance(0.1) ? { changes: 1 } : inner.run(params)) }),
      ),
  }),
  () => ({
    name: 'watermark-before-rows',
    what: 'a mirror writes its watermark, and its rows in another transaction after it',
    needsReads: true,
    mirrorOrder: (steps, transaction) => {
      transaction(() => {
        steps.check();
        steps.watermark();
      });
      return steps.rows;
    },
  }),
  () => ({
    name: 'pending-not-awaited',
    what: 'a read does not wait for what was pending at its call',
    needsReads: true,
    put: () => {
      const before = Object.getOwnPropertyDescriptor(AwaitedMutations.prototype, 'count');
      Object.defineProperty(AwaitedMutations.prototype, 'count', { get: () => 0, configurable: true });
      return () => {
        if (before !== undefined) Object.defineProperty(AwaitedMutations.prototype, 'count', before);
      };
    },
  }),
  () => ({
    name: 'own-tables-anywhere',
    what: 'tables that stay in the room are read wherever any read goes',
    needsReads: true,
    put: () => {
      const { read } = ReadRouter.prototype;
      ReadRouter.prototype.read = function (this: ReadRouter, request, route, ...rest) {
        return read.call(this, request, { ...route, primaryOnly: false }, ...rest);
      };
      return () => {
        ReadRouter.prototype.read = read;
      };
    },
  }),
  () => ({
    name: 'read-keeps-its-class',
    what: 'a read that runs while claims change is answered with what was seen under the old ones',
    needsReads: true,
    needsAccess: true,
    put: () => {
      const { reclass } = SessionReads.prototype;
      SessionReads.prototype.reclass = () => undefined;
      return () => {
        SessionReads.prototype.reclass = reclass;
      };
    },
  }),
];

/** Where `drops` says so, a replica is asked for whatever it has. */
function asked(drops: (request: ReadRequest, ticket: Parameters<WatchedReplica['ask']>[0]) => boolean): () => void {
  const { ask } = WatchedReplica.prototype;
  WatchedReplica.prototype.ask = function (this: WatchedReplica, ticket, request, ...rest) {
    return ask.call(this, ticket, drops(request, ticket) ? { ...request, atLeast: null } : request, ...rest);
  };
  return () => {
    WatchedReplica.prototype.ask = ask;
  };
}

/** A replica that answers otherwise. */
function answering(
  replica: Replica,
  answer: (request: ReadRequest, read: (request: ReadRequest) => Promise<ReadAnswer>) => Promise<ReadAnswer>,
): Replica {
  return {
    id: replica.id,
    dialect: replica.dialect,
    read: (request, signal) => answer(request, (changed) => replica.read(changed, signal)),
    check: (signal) => replica.check(signal),
    digest: (room, signal) => replica.digest(room, signal),
    ...(replica.resync === undefined ? {} : { resync: (room) => replica.resync?.(room) ?? Promise.resolve() }),
    close: () => replica.close(),
  };
}
