import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';

describe('what a room does with what it is sent', () => {
  let database: Database;
  let driven: DrivenRoom;
  const endedWith = (connectionId: string): string | undefined => driven.ports.disconnected.get(connectionId)?.code;
  beforeEach(() => {
    database = openDatabase(':memory:');
    driven = new DrivenRoom({
      room: tripRoom,
      database,
      options: { limits: { messageBytesMax: 2_000, messageInflatedBytesMax: 4_000, pushMutationsMax: 2 } },
    });
    driven.join('a');
    driven.join('b');
  });
  afterEach(() => database.close());

  it.each<[string, string | Uint8Array, string]>([
    ['no JSON', '{"type":', 'bad_message'],
    ['no object', '[]', 'bad_message'],
    ['an unknown type', '{"type":"drop"}', 'bad_message'],
    ['an empty frame', new Uint8Array(), 'bad_message'],
    ['an unknown codec', Uint8Array.of(9, 1, 2), 'bad_message'],
    ['a field of the wrong type', '{"type":"push","mutations":[{"clientId":"c","mutationId":"1","name":"x"}]}', 'bad_message'],
    ['an id that is no counter', '{"type":"push","mutations":[{"clientId":"c","mutationId":1e400,"name":"x"}]}', 'bad_message'],
    ['too much', `{"type":"presence","state":"${'x'.repeat(3_000)}"}`, 'message_too_large'],
    ['too deep', `{"type":"presence","state":${'['.repeat(40)}${']'.repeat(40)}}`, 'message_too_deep'],
    ['a second hello', '{"type":"hello","protocol":1,"room":"trip","id":"r1","clientId":"c-a"}', 'hello_repeated'],
    [
      'more mutations than a push holds',
      JSON.stringify({ type: 'push', mutations: [1, 2, 3].map((mutationId) => ({ clientId: 'c-a', mutationId, name: 'nothing' })) }),
      'bad_message',
    ],
  ])('[RM-31] ends a session that sends %s, and no other', (_, frame, code) => {
    driven.room.receive('a', frame);
    expect(endedWith('a')).toBe(code);
    expect(driven.takeOf('a', 'error')).toMatchObject([{ code }]);
    expect(endedWith('b')).toBeUndefined();
    expect(driven.room.stats).toMatchObject({ sessions: 1, version: 0, queuedMutations: 0 });
  });

  it('[RM-31] ignores messages of optional types, and frames of connections that are not in', () => {
    driven.room.receive('a', '{"type":"x-wave","hand":"left"}');
    driven.room.receive('nobody', '{"type":');
    expect(driven.ports.disconnected.size).toBe(0);
  });

  it('[CS-18] ends who goes on talking and takes no answers, before they fill the memory', () => {
    const ping = (connectionId: string): unknown => driven.say(connectionId, { type: 'ping' });
    driven.ports.buffered.set('a', 32 * 1024 * 1024);
    ping('a');
    ping('b');
    expect([endedWith('a'), endedWith('b')]).toEqual(['backlog_exceeded', undefined]);
    // Many small answers cost more than their bytes; whoever takes them now and then may have any number.
    for (let said = 0; said < 100_000; said++) {
      driven.ports.buffered.set('b', said % 1_000);
      driven.room.receive('b', '{"type":"pong"}');
    }
    expect(endedWith('b')).toBeUndefined();
    for (let said = 0; said < 100_000; said++) driven.room.receive('b', '{"type":"pong"}');
    expect(endedWith('b')).toBe('backlog_exceeded');
  });

  it('[RM-31] answers what it cannot do and lets the session go on', () => {
    expect(driven.say('a', { type: 'followLog', historyId: 'h', version: 0, hash: '' })).toMatchObject([
      { type: 'error', code: 'forbidden', re: 'followLog' },
    ]);
    expect(driven.say('a', { type: 'presence', state: 7 })).toMatchObject([{ type: 'error', code: 'state_invalid', re: 'presence' }]);
    expect(endedWith('a')).toBeUndefined();
  });

  it('[RM-31] a hello on a connection that is in already ends it', () => {
    driven.join('a', { clientId: 'c-other' });
    expect(endedWith('a')).toBe('hello_repeated');
    expect(driven.room.stats.sessions).toBe(1);
  });

  it('[RM-32] keeps a client of a newer schema waiting, and sends one of an older schema to update', () => {
    database.prepare("INSERT INTO alcove_schemas (position, schema, model, version, at_ms) VALUES (0, 'old-schema', '{}', 0, 0)").run();
    const room = new DrivenRoom({ room: tripRoom, database });
    room.join('new', { schema: 'unheard-of' });
    room.join('old', { schema: 'old-schema' });
    room.join('same', { schema: tripRoom.model.schemaId });
    expect(room.ports.disconnected.get('new')).toMatchObject({ code: 'room_outdated', retryable: true });
    expect(room.ports.disconnected.get('old')).toMatchObject({ code: 'update_needed', retryable: false });
    expect(room.ports.disconnected.has('same')).toBe(false);
  });
});
