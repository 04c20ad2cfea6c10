import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { frame } from './raw-socket.ts';

let host: HostFixture;
let url: string;
beforeEach(async () => {
  host = new HostFixture();
  const limits = {
    halfMessageTimeoutMs: 300,
    closeTimeoutMs: 200,
    messageBytesMax: 100_000,
    messageInflatedBytesMax: 1_000_000,
  };
  ({ url } = await host.server({ limits }));
});
afterEach(() => host.end());

const helloOf = (clientId: string): string => JSON.stringify({ type: 'hello', protocol: 1, room: 'trip', id: 'raw', clientId });
const hello = helloOf('raw-client');
const joined = async () => {
  const { raw, status } = await host.raw(url);
  expect(status).toBe(101);
  raw.write(frame(1, helloOf(randomBytes(8).toString('hex'))));
  await raw.until(() => raw.texts().some((text) => text.includes('"welcome"')));
  return raw;
};
/** The server still serves others. */
const alive = async (): Promise<void> => {
  const client = await host.join(url, 'bystander');
  await client.result(client.push('addStop', { id: randomBytes(6).toString('hex'), city: 'Oslo' }));
};

describe('a socket', () => {
  it('[HO-13] that says nothing is told hello_timeout', async () => {
    const server = await host.server({ dataDir: `${host.dataDir}/silent`, limits: { helloTimeoutMs: 200 } });
    const { raw } = await host.raw(server.url);
    expect(await raw.closeCode()).toBe(4408);
    expect(raw.texts().join()).toContain('hello_timeout');
  });

  it('[HO-13] is not let in later when its authentication takes too long', async () => {
    let free: () => void = () => undefined;
    const server = await host.server({
      dataDir: `${host.dataDir}/slow`,
      limits: { helloTimeoutMs: 200 },
      authenticate: () =>
        new Promise((resolve) => {
          free = () => resolve({ sub: 'ann' });
        }),
    });
    const client = host.client(server.url);
    await client.opened();
    client.hello('late', { token: 't' });
    expect((await client.heard('error')).code).toBe('hello_timeout');
    free();
    await client.end();
    expect(client.messages.some(({ type }) => type === 'welcome')).toBe(false);
  });

  it('[HO-14] with half a frame, half a header or half a message is closed after a while, also when it goes on pinging', async () => {
    const halves = [
      frame(1, 'x'.repeat(1000)).subarray(0, 500),
      Buffer.from([0x81]),
      frame(1, '{"type":', { final: false }),
      frame(2, '', { length: 90_000n }),
    ];
    await Promise.all(
      halves.map(async (half, index) => {
        const raw = await joined();
        raw.write(half);
        const pings = setInterval(() => index === 2 && raw.write(frame(9, 'still here')), 50);
        try {
          expect(await raw.closeCode(), String(index)).toBe(4408);
        } finally {
          clearInterval(pings);
        }
      }),
    );
    await alive();
  });

  it('[HO-14] whole messages in many small pieces are no half ones', async () => {
    const raw = await joined();
    const bytes = Buffer.concat([frame(1, '{"type":', { final: false }), frame(9, 'between'), frame(0, '"ping","at":7}')]);
    for (const byte of bytes) {
      raw.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await raw.until(() => raw.texts().some((text) => text.includes('"at":7')));
    expect(raw.ended).toBe(false);
  });

  it('[HO-14] that floods with pings is closed with rate_limited', async () => {
    const raw = await joined();
    const many = Buffer.concat(Array.from({ length: 10_000 }, () => frame(9, '')));
    raw.write(many);
    expect(await raw.closeCode()).toBe(4429);
    await alive();
  });

  it('[HO-14] that floods with messages is slowed down and not closed', async () => {
    const server = await host.server({ dataDir: `${host.dataDir}/flood`, limits: { socketFramesPerSecondMax: 100 } });
    const client = await host.join(server.url, 'flood');
    const startedMs = performance.now();
    for (let at = 0; at < 700; at += 1) client.say({ type: 'ping', at, padding: 'x'.repeat(500) });
    await client.heard('pong', (message) => message['at'] === 699);
    // 400 at once and one read more, the rest at 100 a second: a bound from below that no slow machine breaks.
    expect(performance.now() - startedMs).toBeGreaterThan(1000);
    expect(client.messages.filter(({ type }) => type === 'pong')).toHaveLength(700);
  });

  it.each<[string, Buffer, number]>([
    ['an oversized frame', frame(1, 'x', { length: 200_000n }), 1009],
    ['a frame of 2^40 bytes', frame(2, '', { length: 2n ** 40n }), 1009],
    ['bad UTF-8', frame(1, Buffer.from([0xc3, 0x28])), 1007],
    ['an unmasked frame', frame(1, 'hi', { masked: false }), 1002],
    ['a reserved bit', frame(1, 'hi', { rsv: 4 }), 1002],
    ['a reserved opcode', frame(3, 'hi'), 1002],
    ['a continuation of nothing', frame(0, 'hi'), 1002],
    ['a ping of 126 bytes', frame(9, 'x'.repeat(126)), 1002],
    [
      'too many fragments',
      Buffer.concat([frame(1, 'a', { final: false }), ...Array.from({ length: 1100 }, () => frame(0, 'a', { final: false }))]),
      1008,
    ],
    ['text that is no JSON', frame(1, 'hello?'), 4400],
    ['JSON that is no object', frame(1, '[1]'), 4400],
    ['an unknown message', frame(1, '{"type":"drop"}'), 4400],
    ['too deep JSON', frame(1, `{"type":"presence","state":${'['.repeat(5000)}${']'.repeat(5000)}}`), 4400],
    ['an empty binary frame', frame(2, ''), 4400],
    ['an unknown codec byte', frame(2, Buffer.from([9, 1, 2])), 4400],
    ['damaged deflate', frame(2, Buffer.from([1, 255, 255, 255])), 4400],
    ['a second hello', frame(1, hello), 4400],
  ])('[HO-15] with %s is closed and harms nobody', async (_what, bytes, code) => {
    const raw = await joined();
    raw.write(bytes);
    expect(await raw.closeCode()).toBe(code);
    await alive();
  });

  it('[HO-15] with a deflate bomb is closed before it is inflated', async () => {
    const raw = await joined();
    const bomb = deflateRawSync(Buffer.alloc(60_000_000, '{'), { level: 9 });
    expect(bomb.length).toBeLessThan(100_000);
    const before = process.memoryUsage().rss;
    raw.write(frame(2, Buffer.concat([Buffer.from([1]), bomb])));
    expect(await raw.closeCode()).toBe(1009);
    expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000);
  });

  it('[HO-15] that asks for permessage-deflate does not get it, and a token as subprotocol is not echoed', async () => {
    const { answer, status } = await host.raw(url, {
      'Sec-WebSocket-Extensions': 'permessage-deflate',
      'Sec-WebSocket-Protocol': 'secret-token',
    });
    expect(status).toBe(101);
    expect(answer.toLowerCase()).not.toMatch(/permessage-deflate|secret-token/);
  });

  it('[HO-13] with another message first is told hello_expected', async () => {
    const { raw } = await host.raw(url);
    raw.write(frame(1, '{"type":"ping"}'));
    expect(await raw.closeCode()).toBe(4401);
    expect(raw.texts().join()).toContain('hello_expected');
  });

  it('messages that come right behind hello, before welcome, are not lost', async () => {
    const { raw } = await host.raw(url);
    const push = JSON.stringify({
      type: 'push',
      mutations: [{ clientId: 'raw-client', mutationId: 1, name: 'addStop', args: { id: 'early', city: 'Kyoto' } }],
    });
    raw.write(Buffer.concat([frame(1, hello), frame(1, push), frame(1, '{"type":"ping","at":3}')]));
    await raw.until(
      () => raw.texts().some((text) => text.includes('"mutationId":1')) && raw.texts().some((text) => text.includes('"at":3')),
    );
    expect(raw.texts()[0]).toContain('"welcome"');
  });
});
