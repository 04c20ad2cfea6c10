import { expect } from 'vitest';
import type { Edge, LimitName, Told } from './edge.ts';
import { allApplied, endedWith } from './expect-fates.ts';
import type { LimitedServer } from './limited-server.ts';
import type { Peer } from './peer.ts';
import { eventually } from '../../fake/eventually.ts';

/** More than the buffers of the system take between two sockets of one machine. */
const PUSHES_MAX = 60;

/** Two commits of those below. */
const MANY = 2_000_000;

/** Writes large commits until the limit was met. */
const writeUntilMet = async (at: LimitedServer, room: string, limit: LimitName): Promise<void> => {
  const writer = await at.join('writer', room);
  for (let pushes = 0; pushes < PUSHES_MAX && at.met(limit) === 0; pushes += 1) allApplied(await writer.notes(1, 'x'.repeat(900_000)));
};

/** A reader that reads nothing while large commits are made. */
const stalled = async (at: LimitedServer, limit: LimitName): Promise<Peer> => {
  const reader = await at.join('ann', 'stalled');
  reader.pause();
  await writeUntilMet(at, 'stalled', limit);
  return reader;
};

/** Reads again, and comes to hold what the room holds. */
const catchesUp = async (at: LimitedServer, reader: Peer): Promise<Told> => {
  reader.resume();
  const { version } = await at.server.rooms.open('limited', 'stalled');
  await reader.client.until(() => reader.client.messages.some(({ type, to }) => type === 'commit' && to === version), `version ${version}`);
  return { peer: reader };
};

const reads = async (at: LimitedServer): Promise<void> => {
  const [reader, writer] = [await at.join('ann', 'read'), await at.join('bob', 'read')];
  // Before it has its snapshot a commit may come as a part of that.
  await reader.client.heard('snapshotEnd');
  allApplied(await writer.notes(1));
  await reader.client.heard('commit');
};

/** Its snapshots were sent, all of them. */
const gotSnapshots = (peer: Peer, count: number): Promise<void> =>
  peer.client.until(() => peer.client.messages.filter(({ type }) => type === 'snapshotEnd').length === count, `${count} snapshots`);

/** Comes in and takes so many snapshots, one after the other. */
const takesSnapshots = async (at: LimitedServer, user: string, count: number): Promise<Peer> => {
  const peer = await at.join(user);
  for (let taken = 1; taken < count; taken += 1) {
    await gotSnapshots(peer, taken);
    peer.client.say({ type: 'hydrate', snapshots: ['rows'] });
  }
  await gotSnapshots(peer, count);
  return peer;
};

/** How often the room is read for somebody. */
const EDGES_OF_SNAPSHOTS: readonly Edge[] = [
  {
    limit: 'sessionSnapshotsPerMinuteMax',
    set: { sessionSnapshotsPerMinuteMax: 60, sessionSnapshotsBurst: 2 },
    code: null,
    under: async (at) => {
      for (const _ of [1, 2]) await takesSnapshots(at, 'ann', 2);
    },
    over: async (at) => {
      const startMs = performance.now();
      const peer = await takesSnapshots(at, 'bob', 3);
      expect(performance.now() - startMs).toBeGreaterThan(900);
      return { peer };
    },
  },
  {
    limit: 'userSnapshotsPerMinuteMax',
    set: { userSnapshotsPerMinuteMax: 60, userSnapshotsBurst: 2 },
    code: null,
    under: async (at) => {
      for (const _ of [1, 2]) await takesSnapshots(at, 'ann', 1);
    },
    over: async (at) => {
      for (const _ of [1, 2]) await takesSnapshots(at, 'bob', 1);
      const third = await at.join('bob');
      await eventually(() => expect(at.met('userSnapshotsPerMinuteMax')).toBe(1));
      await takesSnapshots(at, 'cay', 1);
      await gotSnapshots(third, 1);
      return { peer: third };
    },
  },
];

/** What waits for somebody who does not read. */
export const EDGES_OF_READERS: readonly Edge[] = [
  ...EDGES_OF_SNAPSHOTS,
  {
    limit: 'subscriberBacklogBytesMax',
    set: { subscriberBacklogBytesMax: MANY },
    code: null,
    under: reads,
    over: async (at) => catchesUp(at, await stalled(at, 'subscriberBacklogBytesMax')),
  },
  {
    limit: 'subscriberBacklogMsMax',
    set: { subscriberBacklogBytesMax: MANY, subscriberBacklogMsMax: 500 },
    code: 'backlog_exceeded',
    closes: 4413,
    under: reads,
    over: async (at) => {
      const reader = await stalled(at, 'subscriberBacklogBytesMax');
      await expect.poll(() => at.met('subscriberBacklogMsMax'), { timeout: 20_000 }).toBe(1);
      reader.resume();
      return endedWith(reader);
    },
  },
  {
    limit: 'subscriberBacklogBytesHard',
    set: { subscriberBacklogBytesMax: MANY, subscriberBacklogBytesHard: MANY },
    code: 'backlog_exceeded',
    closes: 4413,
    under: reads,
    over: async (at) => {
      const [reader, bystander] = [await stalled(at, 'subscriberBacklogBytesMax'), await at.join('cay', 'other')];
      // It goes on asking, and takes no answer.
      while (at.met('subscriberBacklogBytesHard') === 0 && reader.client.closed === null) {
        for (let ping = 0; ping < 500; ping += 1) reader.client.say({ type: 'ping', at: ping });
        await bystander.lives();
      }
      reader.resume();
      return endedWith(reader);
    },
  },
  {
    limit: 'ephemeralBacklogBytesMax',
    set: { ephemeralBacklogBytesMax: 1_000, subscriberBacklogBytesMax: 90_000_000, subscriberBacklogBytesHard: 90_000_000 },
    code: null,
    under: async (at) => {
      const [reader, setter] = [await at.join('ann', 'read'), await at.join('bob', 'read')];
      setter.client.say({ type: 'presence', state: { name: 'bob' } });
      await reader.client.heard('presence', (message) => JSON.stringify(message).includes('bob'));
    },
    over: async (at) => {
      const reader = await at.join('ann', 'stalled');
      const setter = await at.join('bob', 'stalled');
      reader.pause();
      const writer = await at.join('writer', 'stalled');
      let last = 0;
      while (at.met('ephemeralBacklogBytesMax') === 0 && last < PUSHES_MAX) {
        last += 1;
        allApplied(await writer.notes(1, 'x'.repeat(900_000)));
        setter.client.say({ type: 'presence', state: { name: `bob ${last}` } });
        expect(await setter.lives()).toBe(true);
      }
      reader.resume();
      await reader.client.heard('presence', (message) => JSON.stringify(message).includes(`bob ${last}`));
      return { peer: reader };
    },
  },
];
