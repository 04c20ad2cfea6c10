import { defineRoom } from '@alcove/core/schema/define-room';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { resolveServerOptions } from './server-options.ts';
import type { ServerOptions } from './server-options.ts';

const trip = defineRoom({ name: 'trip', schema: { stops: sqliteTable('stops', { id: text().primaryKey() }) } });
const resolved = (more: Partial<ServerOptions> = {}) => resolveServerOptions({ rooms: [trip], dataDir: 'data', ...more });

describe('server options', () => {
  it('[HO-11] without authenticate the host is loopback, and another one is refused', () => {
    expect(resolved()).toMatchObject({ host: '127.0.0.1', origins: { loopbackOnly: true } });
    expect(resolved({ host: 'localhost' }).host).toBe('localhost');
    expect(resolved({ host: '::1' }).host).toBe('::1');
    for (const host of ['0.0.0.0', '::', 'app.example']) {
      expect(() => resolved({ host })).toThrow(expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(host) }));
    }
    expect(resolved({ authenticate: () => ({}) })).toMatchObject({ host: null, origins: { loopbackOnly: false } });
    expect(resolved({ authenticate: () => ({}), host: '0.0.0.0' }).host).toBe('0.0.0.0');
  });

  it('[HO-26] says what is expected where there are no options, and takes those that are undefined', () => {
    expect(() => Reflect.apply(resolveServerOptions, undefined, [])).toThrow(
      expect.objectContaining({ code: 'option_invalid', message: 'createServer takes an object of options, and got undefined' }),
    );
    const options: object = { port: undefined, host: undefined, authorize: undefined };
    expect(resolved(options)).toMatchObject({ port: null, host: '127.0.0.1', authorize: null });
  });

  it('takes limits of rooms and of the host in one object', () => {
    const { roomLimits, hostLimits } = resolved({ limits: { pushMutationsMax: 5, openRoomsMax: 7 } });
    expect([roomLimits.pushMutationsMax, hostLimits.openRoomsMax]).toEqual([5, 7]);
  });

  it.each<[Partial<ServerOptions>, RegExp]>([
    [{ prot: 1 } as never, /^createServer takes no "prot": did you mean port\?$/],
    [{ datadir: 'data' } as never, /did you mean dataDir\?$/],
    [{ cors: true } as never, /^createServer takes no "cors": .*origins/],
    [{ rooms: [] }, /^rooms /],
    [{ rooms: [trip, trip] }, /two rooms of the name trip/],
    [{ rooms: [{ name: 'x' } as never] }, /not made by defineRoom/],
    [{ dataDir: '' }, /^dataDir /],
    [{ port: 65_536 }, /^port .* 65536$/],
    [{ port: 1.5 }, /^port /],
    [{ path: 'sync' }, /^path .*"sync"$/],
    [{ path: '/' }, /^path /],
    [{ path: '/a/' }, /^path /],
    [{ path: '/a?b' }, /^path /],
    [{ origins: ['app.example'] }, /origins/],
    [{ image: 'no' as never }, /^image must be true or false, and is "no"$/],
    [{ createOnJoin: 0 as never }, /^createOnJoin must be true or false, and is a number$/],
    [{ acceptLostTail: 1 as never }, /^acceptLostTail must/],
    [{ signals: 'yes' as never }, /^signals must/],
    [{ authenticate: 'token' as never }, /^authenticate must be a function, and is "token"$/],
    [{ authorize: true as never }, /^authorize must be a function, and is a boolean$/],
    [{ host: 7 as never, authenticate: () => ({}) }, /^host must be a name or an address, and is a number$/],
    [{ seed: 7 as never }, /^seed must be .* a number$/],
    [{ readers: '2' as never }, /^readers must be .* "2"$/],
    [{ limits: 7 as never }, /^limits must be an object of numbers, and is a number$/],
    [{ synchronous: 'full' as never }, /^synchronous .* full$/],
    [{ seed: { other: 'x.sqlite' } }, /seed names other/],
    [{ limits: { openRoomsMax: 0 } }, /limits\.openRoomsMax .* 0$/],
    [{ limits: { helloTimeoutMs: Number.NaN } }, /limits\.helloTimeoutMs/],
    [{ limits: { nonsense: 1 } as never }, /^limits\.nonsense is no limit of the server$/],
    [{ limits: { openRoomMax: 1 } as never }, /^limits\.openRoomMax is no limit of the server: did you mean openRoomsMax\?$/],
    [{ limits: { clientMax: 1 } as never }, /: did you mean clientsMax\?$/],
  ])('[HO-26] refuses %j, naming the option and what was given', (more, message) => {
    expect(() => resolved(more)).toThrow(expect.objectContaining({ code: 'option_invalid', message: expect.stringMatching(message) }));
  });
});
