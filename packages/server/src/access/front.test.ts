import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { AlcoveError } from '@alcove/core/error';
import { defineRoom } from '@alcove/core/schema/define-room';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { isAllowed, subjectOf } from './access.ts';
import { admit, readHello } from './front.ts';
import type { Gatekeeper } from './front.ts';

const trip = defineRoom({ name: 'trip', schema: { stops: sqliteTable('stops', { id: text().primaryKey() }) } });
const runtime = new FakeRuntime();
const rooms = new Map([['trip', trip]]);
const hello = { type: 'hello', protocol: 1, room: 'trip', id: 'japan-2027', clientId: 'c1' };
const read = (message: object): unknown => readHello(JSON.stringify(message), rooms, runtime);
const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe('the first message', () => {
  it('[AC-1] is a hello for a room of this server', () => {
    expect(readHello(JSON.stringify(hello), rooms, runtime)).toMatchObject({ hello: { clientId: 'c1' }, definition: trip });
  });

  it.each([
    [{ type: 'ping' }, 'hello_expected'],
    [{ type: 'x-anything' }, 'hello_expected'],
    [{ ...hello, protocol: 0 }, 'protocol_unsupported'],
    [{ ...hello, room: 'constructor' }, 'room_unknown'],
    [{ ...hello, id: '../../etc/passwd' }, 'room_id_invalid'],
    [{ ...hello, id: '.hidden' }, 'room_id_invalid'],
    [{ ...hello, id: 'a'.repeat(129) }, 'room_id_invalid'],
    [{ ...hello, clientId: '$server' }, 'bad_message'],
    [{ ...hello, token: 'x'.repeat(200_000) }, 'message_too_large'],
  ])('[AC-1] is refused with its code: %o', (message, expected) => {
    expect(() => read(message)).toThrowError(code(expected) as Error);
  });
});

describe('admission', () => {
  const gatekeeper = (over: Partial<Gatekeeper> = {}): Gatekeeper => ({
    authenticate: (token) => ({ sub: String(token) }),
    may: () => true,
    accessOf: (claims) => ({ claims }),
    ...over,
  });

  it('[AC-2] lets in who was authenticated and may open the room', async () => {
    await expect(admit('ann', gatekeeper())).resolves.toEqual({ claims: { sub: 'ann' } });
  });

  it('[AC-29] takes claims as they are then: what the app does with its object later changes nobody’s rights, nor does a mutator', async () => {
    const shared = { sub: 'ann', role: 'admin', teams: ['a', { name: 'b' }], since: new Date(0) };
    const { claims } = await admit('t', gatekeeper({ authenticate: () => shared }));
    shared.role = 'viewer';
    shared.teams.push('evil');
    expect(claims).toEqual({ sub: 'ann', role: 'admin', teams: ['a', { name: 'b' }], since: new Date(0) });
    const teams = claims?.['teams'];
    expect(() => Array.isArray(teams) && teams.push('evil')).toThrow(TypeError);
    expect((await admit('t', gatekeeper({ authenticate: () => shared }))).claims).toMatchObject({ role: 'viewer' });
  });

  it.each([
    ['a verifier that throws', { authenticate: () => Promise.reject(new RangeError('token ann is expired')) }, 'unauthenticated'],
    ['a code of its own', { authenticate: () => Promise.reject(new AlcoveError('overloaded', 'later')) }, 'overloaded'],
    ['no right to open', { may: () => false }, 'forbidden'],
    ['a right that cannot be decided', { may: () => Promise.reject(new RangeError('no database')) }, 'forbidden'],
    ['a right that is not a boolean', { may: () => 'yes' as never }, 'forbidden'],
  ])('[AC-2] refuses %s', async (_, over, expected) => {
    await expect(admit('ann', gatekeeper(over as Partial<Gatekeeper>))).rejects.toThrowError(code(expected) as Error);
    await expect(admit('ann', gatekeeper(over as Partial<Gatekeeper>))).rejects.not.toThrowError(/ann is expired/);
  });
});

describe('rights', () => {
  it('[AC-3] are not given where they cannot be decided', () => {
    const action = { kind: 'mutate', name: 'addStop', args: null } as const;
    expect(isAllowed({ claims: null }, action)).toBe(true);
    expect(isAllowed({ claims: null, allows: () => false }, action)).toBe(false);
    expect(isAllowed({ claims: null, allows: () => Promise.resolve(true) as never }, action)).toBe(false);
    const allows = (): boolean => {
      throw new RangeError('no database');
    };
    expect(isAllowed({ claims: null, allows }, action)).toBe(false);
  });

  it('[AC-4] tells nobody apart from anybody with a subject', () => {
    expect(subjectOf(null)).toBe(subjectOf({ role: 'guest' }));
    expect(subjectOf({ sub: '' })).not.toBe(subjectOf(null));
  });
});
