import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TripAccess } from './trip-access.ts';
import { answerAtDesk, isTripDesk } from './trip-desk.ts';

describe('where keys are handed out', () => {
  const access = new TripAccess(Buffer.alloc(32, 7));
  let http: Server;
  let url: string;
  const ask = (body: string): Promise<Response> => fetch(url, { method: 'POST', body });

  beforeAll(async () => {
    http = createServer((request, response) => answerAtDesk(request, response, access, new Set(['japan-old']))).listen(0, '127.0.0.1');
    await once(http, 'listening');
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/trips`; // it listens on a port
  });
  afterAll(() => http.close());

  it('is one address', () => {
    expect(isTripDesk('POST', '/trips')).toBe(true);
    for (const [method, path] of [
      ['GET', '/trips'],
      ['POST', '/trips/japan'],
      ['POST', '/'],
      [undefined, '/trips'],
    ] as const)
      expect(isTripDesk(method, path)).toBe(false);
  });

  it('a name gets a trip that nobody has, another one each time, with the key to it', async () => {
    const answers = await Promise.all(
      [1, 2].map(async () => (await ask('{"name":"Peru"}')).json() as Promise<{ id: string; key: string }>),
    );
    for (const { id, key } of answers) {
      expect(id).toMatch(/^peru-[a-z0-9]{10}$/);
      expect(key).toBe(access.keyFor(id).text);
    }
    expect(answers[0]?.id).not.toBe(answers[1]?.id);
  });

  it('an id gets a key where the trip is from before keys, and nothing anywhere else', async () => {
    expect(await (await ask('{"id":"japan-old"}')).json()).toEqual({ id: 'japan-old', key: access.keyFor('japan-old').text });
    for (const body of ['{"id":"japan"}', '{"id":"japan","name":"Japan"}'])
      expect(await (await ask(body)).json()).toEqual({ id: 'japan', key: null });
  });

  it('anything else gets nothing', async () => {
    for (const body of ['', '{', '7', 'null', '{}', '{"name":7}', JSON.stringify({ name: 'x'.repeat(5_000) })])
      expect((await ask(body)).status).toBe(400);
  });
});
