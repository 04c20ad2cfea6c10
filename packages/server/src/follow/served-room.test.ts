import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeServerMessage } from '@alcove/core/protocol/codec';
import { decodeClientMessage } from '@alcove/core/protocol/codec';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import type { ServerMessage, WelcomeMessage } from '@alcove/core/protocol/server-message';
import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom, RecordingPorts } from '../../../../test/fake/driven-room.ts';
import type { RoomAccess } from '../access/access.ts';
import { Readers } from '../access/readers.ts';
import { RowRules } from '../access/row-rules.ts';
import { openDatabase } from '../host/node/open-database.ts';
import { LimitMeter } from '../limits/limit-meter.ts';
import { Gate } from '../room/gate.ts';
import { resolveRoomOptions } from '../room/room-options.ts';
import type { ImageOffer } from '../room/room-ports.ts';
import { FollowedRoom } from './followed-room.ts';
import { RelayedStates } from './relayed-states.ts';
import { ServedRoom } from './served-room.ts';

const notes = sqliteTable('notes', { id: text().primaryKey(), owner: text().notNull() });
const room = defineRoom({
  name: 'trip',
  schema: { notes },
  mutators: { put: mutator(v.object({ id: v.string(), owner: v.string() }), (tx, row) => tx.insert(notes).values(row).run()) },
  presence: v.object({ name: v.string() }),
  rules: { notes: { visibleTo: (row, { sub = '' }) => eq(row.owner, sub) } },
});
const MET = new Set(['relayResultsMax']);
const BYTES = { messageBytesMax: 64_000_000 };

let directory: string;
let databases: Database[];
let rules: RowRules;
/** The primary, in which `link` follows and `ann` is relayed. */
let primary: DrivenRoom;
let followed: FollowedRoom;
let copy: Database;
let ports: RecordingPorts;
let read: number;
/** What the follower has of them. */
let image: ImageOffer | null;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alcove-served-'));
  const database = openDatabase(join(directory, 'room.sqlite'));
  rules = new RowRules(room, openDatabase(':memory:'));
  // Its log is cut only where a test has it look after itself.
  primary = new DrivenRoom({ room, database, rules, options: { limits: { changeLogVersionsMax: 1, housekeepingIntervalMs: 10 } } });
  primary.join('writer', {}, { claims: { sub: 'bob' } });
  primary.push('writer', 1, 'put', { id: 'b1', owner: 'bob' });
  database.exec(`VACUUM INTO '${join(directory, 'copy.sqlite')}'`);
  copy = openDatabase(join(directory, 'copy.sqlite'));
  followed = new FollowedRoom(copy, room, primary.runtime);
  databases = [database, copy];
  ports = new RecordingPorts();
  read = 0;
  image = null;
  primary.join('link', { snapshots: [] }, { claims: null, isFollower: true });
  primary.say('link', { type: 'followLog', ...followed.head });
});
afterEach(() => {
  rules.close();
  for (const database of databases) database.close();
  rmSync(directory, { recursive: true });
});

function serve(resultsMax = 100): ServedRoom {
  const { runtime } = primary;
  const { limits } = resolveRoomOptions({ limits: { catchUpVersionsMax: 2 } });
  const [welcome] = primary.join('other', { snapshots: [] }, { claims: null, isFollower: true });
  const states = new RelayedStates({ definition: room, boot: 'boot', entriesMax: 10, backlogBytesMax: 1_000, socket: ports, runtime });
  const served: ServedRoom = new ServedRoom({
    definition: room,
    id: 'r1',
    historyId: followed.historyId,
    readers: new Readers(room, rules, runtime, followed.secret),
    database: copy,
    runtime,
    limits,
    meter: new LimitMeter(MET),
    log: followed.log,
    gate: new Gate(followed.head.version),
    welcome: welcome as WelcomeMessage, // what a join begins with
    states,
    resultsMax,
    ports: {
      send: (connectionId, frame, lane) => ports.send(connectionId, frame, lane),
      bufferedBytes: () => 0,
      disconnect: (connectionId, error) => ports.disconnect(connectionId, error),
      requestTick: () => undefined,
      offerImage: () => image,
      relay: (connectionId, frame) => primary.room.receive(connectionId, frame),
      welcomed: () => undefined,
    },
  });
  return served;
}

const helloOf = (more: object): HelloMessage => {
  const text = JSON.stringify({ type: 'hello', protocol: 1, room: 'trip', id: 'r1', clientId: 'c-ann', snapshots: [], ...more });
  return decodeClientMessage(text, primary.runtime, BYTES) as HelloMessage; // it says so
};

/** Ann comes through the follower. */
function joins(served: ServedRoom, more: object = {}, access: RoomAccess = { claims: { sub: 'ann' } }): void {
  const hello = helloOf(more);
  served.join('ann', hello);
  served.access('ann', { type: 'relayAccess', session: 1, user: access.claims as never, expiresInMs: null });
  primary.room.join('ann', hello, access, true);
  fromPrimary(served);
}

/** What the primary has said to ann's session reaches the follower. */
let passed = 0;
beforeEach(() => {
  passed = 0;
});
function fromPrimary(served: ServedRoom): void {
  const frames = primary.ports.sent.get('ann') ?? [];
  for (const { frame } of frames.slice(passed))
    served.fromPrimary('ann', typeof frame === 'string' ? new Uint8Array([0, ...Buffer.from(frame)]) : frame);
  passed = frames.length;
}

/** What the primary's log has more reaches the follower, a version at a time. */
function fromLog(served: ServedRoom): void {
  for (const { records } of primary.takeOf('link', 'records')) {
    for (const record of records) {
      const taken = followed.take([record]);
      if (taken !== null) served.taken(taken);
    }
  }
}

const put = (id: string, owner: string, mutationId: number): void => {
  const mutation = { clientId: 'c-ann', mutationId, name: 'put', args: { id, owner } };
  primary.room.receive('ann', JSON.stringify({ type: 'push', mutations: [mutation] }));
  primary.flush();
};

/** What ann has heard since. */
function heard(): ServerMessage[] {
  const frames = ports.sent.get('ann') ?? [];
  const messages = frames.slice(read).flatMap(({ frame }) => decodeServerMessage(frame, primary.runtime, BYTES) ?? []);
  read = frames.length;
  return messages;
}
const brief = (messages: readonly ServerMessage[]): string[] =>
  messages.map((message) => {
    if (message.type === 'results')
      return `results ${message.results.map(({ mutationId, status, version }) => `${mutationId}@${version} ${status}`).join()}`;
    if (message.type === 'commit') return `commit ${message.from}-${message.to} ${message.changes.length}`;
    if (message.type === 'welcome') return `welcome ${message.version} ${message.hydration}`;
    return message.type;
  });

describe('a tab of a follower', () => {
  it('[FO-19] is welcomed once the file is where the room was, and told of both as one', () => {
    const served = serve();
    primary.push('writer', 2, 'put', { id: 'a1', owner: 'ann' });
    joins(served, { snapshots: ['rows'] });
    expect(heard()).toEqual([]);
    fromLog(served);
    served.tick();
    served.tick();
    served.tick();
    const messages = heard();
    expect(brief(messages)).toEqual(['welcome 2 first', 'presence', 'snapshotBegin', 'snapshotRows', 'snapshotEnd']);
    expect(messages[0]).toMatchObject({ historyId: followed.historyId, user: { sub: 'ann' } });
    expect(JSON.stringify(messages)).toContain('a1');
    expect(JSON.stringify(messages)).not.toContain('b1');
    // The same view as on the primary itself.
    const [welcome] = primary.join('direct', {}, { claims: { sub: 'ann' } });
    expect(messages[0]).toMatchObject({ view: (welcome as WelcomeMessage).view });
  });

  it('[FO-19] hears its results before their commit, also where its rules let it see nothing of it', () => {
    const served = serve();
    joins(served);
    expect(brief(heard())).toEqual(['welcome 1 first']);
    put('a1', 'ann', 1);
    fromPrimary(served);
    expect(heard()).toEqual([]);
    fromLog(served);
    expect(brief(heard())).toEqual(['results 1@2 applied', 'commit 1-2 1']);
    put('b2', 'bob', 2);
    fromPrimary(served);
    fromLog(served);
    expect(brief(heard())).toEqual(['results 2@3 applied', 'commit 2-3 0']);
    // Nobody's of hers: kept back until something names the version.
    primary.push('writer', 2, 'put', { id: 'b3', owner: 'bob' });
    fromLog(served);
    expect(heard()).toEqual([]);
    served.receive('ann', '{"type":"ping","at":5}');
    expect(brief(heard())).toEqual(['commit 3-4 0', 'pong']);
    // Told again of what is settled already: at once.
    primary.room.receive(
      'ann',
      JSON.stringify({ type: 'push', mutations: [{ clientId: 'c-ann', mutationId: 1, name: 'put', args: null }] }),
    );
    primary.flush();
    fromPrimary(served);
    expect(brief(heard())).toEqual(['results 1@3 duplicate']);
  });

  it('[FO-19] that resumes is told each result before the range that holds it', () => {
    const served = serve();
    joins(served);
    const [welcome] = heard();
    put('a1', 'ann', 1);
    fromPrimary(served);
    fromLog(served);
    const commit = heard().at(-1);
    if (commit?.type !== 'commit' || welcome?.type !== 'welcome') throw new TypeError('a commit was told');
    served.leave('ann');
    // On another connection of the same client all of these are decided.
    for (const [at, id] of ['a2', 'a3', 'a4', 'a5'].entries()) put(id, 'ann', at + 2);
    primary.room.leave('ann');
    passed = primary.ports.sent.get('ann')?.length ?? 0;
    fromLog(served);
    const { historyId, view } = welcome;
    const clients = [{ clientId: 'c-ann', lastMutationId: 5, confirmed: 1, welcomed: 1 }];
    joins(served, { resume: { historyId, view, version: 2, hash: commit.hash }, clients });
    served.tick();
    expect(brief(heard())).toEqual([
      'welcome 6 resume',
      'results 2@3 applied,3@4 applied',
      'commit 2-4 1',
      'results 4@5 applied,5@6 applied',
      'commit 4-6 1',
      'presence',
    ]);
  });

  /** Ann was here before, on the primary, and decided these; nobody has told her. */
  const decided = (ids: readonly string[]): { clients: object[] } => {
    primary.join('ann', { clientId: 'c-ann' }, { claims: { sub: 'ann' } });
    for (const [at, id] of ids.entries()) put(id, 'ann', at + 1);
    primary.room.leave('ann');
    passed = primary.ports.sent.get('ann')?.length ?? 0;
    return { clients: [{ clientId: 'c-ann', lastMutationId: ids.length, confirmed: 0, welcomed: 1 }] };
  };
  const follows = (version: number, hash: string): string =>
    JSON.stringify({ type: 'follow', historyId: followed.historyId, version, hash });

  it('[FO-24] with an image from before its welcome goes on from there once the primary has told what was settled since', () => {
    const served = serve(1);
    const { version, hash } = followed.head;
    const { clients } = decided(['a1', 'a2', 'a3']);
    fromLog(served);
    image = { path: '/image', ticket: 't', expiresInMs: 1_000 };
    joins(served, { snapshots: ['image', 'rows'], clients });
    expect(brief(heard())).toEqual(['welcome 4 first']);
    served.receive('ann', follows(version, hash));
    expect(heard()).toEqual([]);
    fromPrimary(served);
    expect(brief(heard())).toEqual([
      'results 1@2 applied',
      'commit 1-2 1',
      'results 3@4 duplicate,2@3 applied,3@4 applied',
      'commit 2-4 1',
    ]);
    // What came after its welcome it was told of anyway.
    put('a4', 'ann', 4);
    fromPrimary(served);
    fromLog(served);
    expect(brief(heard())).toEqual(['results 4@5 applied', 'commit 4-5 1']);
  });

  it('[FO-24] gets rows as they are where the primary cannot tell what was settled since its image', () => {
    const served = serve();
    const { version, hash } = followed.head;
    const { clients } = decided(['a1', 'a2', 'a3']);
    fromLog(served);
    primary.advance(50);
    image = { path: '/image', ticket: 't', expiresInMs: 1_000 };
    joins(served, { snapshots: ['image', 'rows'], clients });
    served.receive('ann', follows(version, hash));
    fromPrimary(served);
    for (let turn = 0; turn < 3; turn += 1) served.tick();
    expect(brief(heard())).toEqual([
      'welcome 4 first',
      'rehydrate',
      'presence',
      'snapshotBegin',
      'snapshotRows',
      'snapshotEnd',
      'results 3@4 duplicate',
    ]);
  });

  it('[FO-24] does not resume where the primary’s log does not go back so far, though the follower’s does', () => {
    const served = serve();
    const { historyId, version, hash } = followed.head;
    const { clients } = decided(['a1', 'a2', 'a3']);
    fromLog(served);
    primary.advance(50);
    const [direct] = primary.join('direct', {}, { claims: { sub: 'ann' } });
    const { view } = direct as WelcomeMessage;
    joins(served, { snapshots: ['rows'], resume: { historyId, view, version, hash }, clients });
    for (let turn = 0; turn < 3; turn += 1) served.tick();
    expect(brief(heard())).toEqual([
      'welcome 4 floor',
      'presence',
      'snapshotBegin',
      'snapshotRows',
      'snapshotEnd',
      'results 3@4 duplicate',
    ]);
  });

  it('[CN-20] hears that the room is without what its page showed, wherever its replica comes from', () => {
    const served = serve();
    const { historyId, version, hash } = followed.head;
    joins(served, { snapshots: ['rows'], resume: { historyId, view: '', version, hash }, shown: { historyId, version, hash: 'lost' } });
    expect(heard()[0]).toMatchObject({ type: 'welcome', hydration: 'view', shownLost: true });
  });

  it('[FO-17] with more results than may wait is ended, and everybody else goes on', () => {
    const served = serve(1);
    joins(served);
    heard();
    put('a1', 'ann', 1);
    put('a2', 'ann', 2);
    fromPrimary(served);
    expect(heard()).toMatchObject([{ type: 'error', code: 'backlog_exceeded' }]);
    expect(ports.disconnected.get('ann')).toMatchObject({ limit: 'relayResultsMax' });
    expect(served.sessions).toBe(0);
    fromLog(served);
  });

  it('[FO-17] comes in with more results than that where it is owed them, and with the time of the room', () => {
    const served = serve(1);
    primary.join('ann', { clientId: 'c-ann' }, { claims: { sub: 'ann' } });
    for (const [at, id] of ['a1', 'a2', 'a3'].entries()) put(id, 'ann', at + 1);
    primary.room.leave('ann');
    passed = primary.ports.sent.get('ann')?.length ?? 0;
    const { historyId, version, hash } = followed.head;
    const clients = [{ clientId: 'c-ann', lastMutationId: 3, confirmed: 0, welcomed: 1 }];
    joins(served, { resume: { historyId, view: '', version, hash }, clients });
    const nowMs = primary.runtime.nowMs();
    primary.runtime.advance(4_000);
    fromLog(served);
    const messages = heard();
    expect(brief(messages)).toEqual(['welcome 4 view', 'results 1@2 applied,2@3 applied,3@4 applied']);
    expect(messages[0]).toMatchObject({ serverNowMs: nowMs + 4_000 });
  });

  it('[FO-14] whose fresh token gives other claims sees other rows from then on', () => {
    const served = serve();
    joins(served, { snapshots: ['rows'] });
    served.tick();
    served.tick();
    heard();
    served.access('ann', { type: 'relayAccess', session: 1, user: { sub: 'ann', more: true }, expiresInMs: 5 });
    served.fromPrimary('ann', new Uint8Array([0, ...Buffer.from('{"type":"user","user":{"sub":"ann","more":true}}')]));
    expect(brief(heard())).toEqual(['user']);
    // Somebody else's: the primary would never say it, and it is not taken of it.
    served.access('ann', { type: 'relayAccess', session: 1, user: { sub: 'bob' }, expiresInMs: null });
    served.fromPrimary('ann', new Uint8Array([0, ...Buffer.from('{"type":"user","user":{"sub":"bob"}}')]));
    expect(heard()).toMatchObject([{ type: 'error', code: 'forbidden' }]);
  });

  it('[FO-18] is told nothing more once its token has run out', () => {
    const served = serve();
    const hello = helloOf({});
    served.join('ann', hello);
    served.access('ann', { type: 'relayAccess', session: 1, user: { sub: 'ann' }, expiresInMs: 1_000 });
    primary.room.join('ann', hello, { claims: { sub: 'ann' } }, true);
    fromPrimary(served);
    heard();
    primary.runtime.advance(1_001);
    put('a1', 'ann', 1);
    fromLog(served);
    expect(heard()).toMatchObject([{ type: 'error', code: 'unauthenticated' }]);
  });
});
