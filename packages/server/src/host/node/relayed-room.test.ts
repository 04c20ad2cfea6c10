import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlcoveError } from '@alcove/core/error';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import { decodeRelayWord, encodeRelayWord, RELAY_WORDS, type RelayWord, unwrapRelayed } from '@alcove/core/protocol/relay';
import type { ServerMessage, WelcomeMessage } from '@alcove/core/protocol/server-message';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../../test/fake/driven-room.ts';
import { FollowedRoom } from '../../follow/followed-room.ts';
import { LimitMeter } from '../../limits/limit-meter.ts';
import { resolveRoomOptions } from '../../room/room-options.ts';
import type { ConnectionHandlers, HostConnection } from './host-connection.ts';
import { LIMIT_NAMES, resolveHostLimits } from './host-limits.ts';
import { openDatabase } from './open-database.ts';
import { RelayedRoom } from './relayed-room.ts';

const room = defineRoom({ name: 'trip', schema: { stops: sqliteTable('stops', { id: text().primaryKey() }) }, mutators: {} });
const hello = {
  type: 'hello',
  protocol: 1,
  room: 'trip',
  id: 'r1',
  clientId: 'c',
  snapshots: [],
  codecs: [],
  clients: [],
  schema: null,
  token: null,
  resume: null,
} as HelloMessage;
const info = { address: '192.0.2.1', origin: 'https://app.example', isLocal: false };

/** A tab’s socket of which is written down what is done to it. */
class Tab implements HostConnection {
  readonly isRelayed = false;
  readonly bufferedBytes = 0;
  readonly done: string[] = [];
  own: ConnectionHandlers | null = null;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  set handlers(handlers: ConnectionHandlers) {
    this.own = handlers;
  }
  send(): void {}
  close({ code }: AlcoveError): void {
    this.done.push(`closed ${code}`);
  }
  hold(): void {}
  release(): void {
    this.done.push('released');
  }
  slowDown(ms: number): void {
    this.done.push(`held ${ms}`);
  }
  terminate(): void {}
  overdue(): null {
    return null;
  }
}

let database: Database;
let primary: DrivenRoom;
let followed: FollowedRoom;
let link: { bufferedBytes: number; readonly frames: Uint8Array[]; readonly given: AlcoveError[] };
let meter: LimitMeter;
let served: RelayedRoom;
let links = 0;
beforeEach(() => {
  database = openDatabase(':memory:');
  primary = new DrivenRoom({ room, database });
  followed = new FollowedRoom(database, room, primary.runtime);
  link = { bufferedBytes: 0, frames: [], given: [] };
  meter = new LimitMeter(LIMIT_NAMES);
  served = new RelayedRoom(
    {
      address: { name: 'trip', id: 'r1' },
      definition: room,
      runtime: primary.runtime,
      limits: resolveHostLimits({ relayBacklogBytesMax: 1_000, relayBacklogBytesHard: 2_000 }),
      roomLimits: resolveRoomOptions({}).limits,
      meter,
      rules: () => null,
      offerImage: () => null,
      replaced: () => undefined,
      taken: () => [],
      early: () => undefined,
    },
    () => ({
      get bufferedBytes() {
        return link.bufferedBytes;
      },
      relay: (frame) => link.frames.push(frame),
      giveUp: (error) => link.given.push(error),
    }),
  );
});
afterEach(() => database.close());

const welcomeOf = (connectionId: string): WelcomeMessage =>
  primary.join(connectionId, { snapshots: [] }).find((message: ServerMessage) => message.type === 'welcome') as WelcomeMessage; // the first of what is said

const follows = (): void => {
  links += 1;
  served.welcomed(welcomeOf(`link-${links}`));
  served.following({ database, room: followed });
};
/** Words to the primary since it was looked at last. */
const words = (): RelayWord[] =>
  link.frames.splice(0).flatMap((frame) => {
    const relayed = unwrapRelayed(frame);
    return relayed?.session === RELAY_WORDS ? (decodeRelayWord(relayed.frame, primary.runtime, { messageBytesMax: 10_000 }) ?? []) : [];
  });
const word = (said: RelayWord): void =>
  served.relayed(RELAY_WORDS, unwrapRelayed(encodeRelayWord(said, primary.runtime))?.frame ?? new Uint8Array());

async function comes(id: string, session: number): Promise<Tab> {
  const tab = new Tab(id);
  served.join(tab, hello, JSON.stringify(hello), info);
  word({ type: 'relayAccess', session, user: null, expiresInMs: null });
  served.relayed(session, new Uint8Array([0, ...Buffer.from(JSON.stringify(welcomeOf(`${id}-${session}`)))]));
  await Promise.resolve();
  return tab;
}
const says = (tab: Tab): void => tab.own?.message('{"type":"presence","state":null}');
const saysMuch = (tab: Tab): void => tab.own?.message(JSON.stringify({ type: 'presence', state: 'x'.repeat(600) }));

describe('tabs on their way to the primary', () => {
  it('[FO-17] are not read before it has drained while much waits there, those that say something; past the hard bound who takes more than its part goes', async () => {
    follows();
    const [talks, listens] = [await comes('a', 1), await comes('b', 2)];
    link.bufferedBytes = 1_000;
    says(talks);
    link.bufferedBytes = 1_001;
    says(talks);
    expect([talks.done, listens.done]).toEqual([['released', 'held 200'], ['released']]);
    expect(meter.counts()).toEqual({ relayBacklogBytesMax: 1 });
    primary.runtime.advance(100);
    expect(talks.done.splice(0)).toEqual(['released', 'held 200', 'held 200']);
    link.bufferedBytes = 1_000;
    primary.runtime.advance(300);
    expect([talks.done, listens.done]).toEqual([[], ['released']]);
    word({ type: 'relayHold', session: 2, ms: 70 });
    expect(listens.done.splice(0)).toEqual(['released', 'held 70']);
    link.bufferedBytes = 2_001;
    for (const tab of [talks, talks, listens, talks]) saysMuch(tab);
    expect([talks.done, listens.done]).toEqual([['held 200', 'closed overloaded'], ['held 200']]);
    expect(meter.counts()).toEqual({ relayBacklogBytesMax: 3, relayBacklogBytesHard: 1 });
    expect(link.given).toEqual([]);
  });

  it('[FO-16] are not told by a word that cannot be read: the way is taken anew, and the file stays', async () => {
    follows();
    await comes('a', 1);
    served.relayed(
      RELAY_WORDS,
      new Uint8Array([0, ...Buffer.from('{"type":"relayEnd","session":1,"code":"closed","message":"","retryAfterMs":0.5}')]),
    );
    expect(link.given).toMatchObject([{ code: 'bad_message' }]);
  });

  it('[FO-17] say nothing that the primary would end the socket for: a message past its bound ends its own tab', async () => {
    follows();
    const [first, other] = [await comes('a', 1), await comes('b', 2)];
    const { messageBytesMax } = welcomeOf('more').limits;
    link.frames.length = 0;
    const greets = new Tab('c');
    served.join(greets, hello, 'x'.repeat(messageBytesMax + 1), info);
    expect([greets.done, first.done, other.done]).toEqual([['closed message_too_large'], ['released'], ['released']]);
    expect(words().map(({ type }) => type)).toEqual(['relayOpen', 'relayLeft']);
  });

  it('[FO-15] wait for one that is not there yet; those that were in are sent away with it, and numbers begin anew', async () => {
    const early = new Tab('early');
    served.join(early, hello, '', info);
    expect(words()).toEqual([]);
    follows();
    expect(words()).toEqual([{ type: 'relayOpen', session: 1, ...info }]);
    const inside = await comes('inside', 2);
    served.lost(new AlcoveError('primary_lost', 'it is gone'));
    expect([early.done, inside.done]).toEqual([[], ['released', 'closed primary_lost']]);
    words();
    follows();
    expect(words()).toEqual([{ type: 'relayOpen', session: 1, ...info }]);
    early.own?.closed(1001);
    expect(words()).toEqual([{ type: 'relayLeft', session: 1, clean: true }]);
  });

  it('[FO-15] have no session on the next way where they said goodbye on this one', async () => {
    follows();
    const tab = await comes('a', 1);
    tab.own?.message('{"type":"bye","clientIds":["c"]}');
    served.lost(new AlcoveError('primary_lost', 'it is gone'));
    expect(tab.done).toEqual(['released', 'closed primary_lost']);
    words();
    follows();
    expect(words()).toEqual([]);
  });

  it('[FO-11] are alive on the primary for as long as they say anything here', async () => {
    follows();
    const [talks] = [await comes('a', 1), await comes('b', 2)];
    words();
    talks.own?.message('{"type":"ping"}');
    // So soon that a tab which speaks once a heartbeat is not silent for two of them there.
    primary.runtime.advance(3_750);
    expect(words()).toEqual([{ type: 'relayAlive', sessions: [1] }]);
    primary.runtime.advance(15_000);
    expect(words()).toEqual([]);
  });
});
