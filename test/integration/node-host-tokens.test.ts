import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostFixture } from './host-fixture.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

describe('fresh tokens', () => {
  it('[AC-7] a session that sends many has one verified at a time, and its newest last', async () => {
    const begun: string[] = [];
    const waiting: (() => void)[] = [];
    let running = 0;
    const server = await host.server({
      authenticate: async (token) => {
        begun.push(token ?? '');
        running += 1;
        expect(running).toBe(1);
        if (token !== 'first') await new Promise<void>((resolve) => waiting.push(resolve));
        running -= 1;
        return { sub: 'ann', token: token ?? '' };
      },
    });
    const client = await host.join(server.url, 'japan', { token: 'first' });
    for (let index = 1; index <= 200; index += 1) client.say({ type: 'auth', token: `t${index}` });
    // An answer to what was sent behind them: the room has read them all.
    await client.result(client.push('addStop', { id: 'a', city: 'Kyoto' }));
    expect(begun).toEqual(['first', 't1']);
    waiting.shift()?.();
    await client.until(() => begun.length === 3, 'the next token to be looked at');
    expect(begun).toEqual(['first', 't1', 't200']);
    waiting.shift()?.();
    await client.heard('user', ({ user }) => (user as { token: string }).token === 't200');
    expect(client.messages.filter(({ type }) => type === 'user')).toHaveLength(2);
  });

  it('[AC-7] one that is no good ends the session, and those behind it are not looked at', async () => {
    const begun: string[] = [];
    const server = await host.server({
      authenticate: (token) => {
        begun.push(token ?? '');
        return Promise.resolve(token === 'bad' ? null : { sub: 'ann' });
      },
    });
    const client = await host.join(server.url, 'japan', { token: 'first' });
    for (const token of ['bad', 'good', 'better']) client.say({ type: 'auth', token });
    expect((await client.end()).code).toBe(4401);
    expect(begun).toEqual(['first', 'bad']);
  });
});
