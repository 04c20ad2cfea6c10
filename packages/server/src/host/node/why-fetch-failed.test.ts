import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { whyFetchFailed } from './why-fetch-failed.ts';

/** Of a port that somebody had just now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
}

const failureOf = (url: string): Promise<unknown> =>
  fetch(url).then(
    () => 'it answered',
    (failure: unknown) => failure,
  );

it.each(['127.0.0.1', 'localhost'])('names the address of %s that refused', async (host) => {
  const port = await freePort();
  expect(whyFetchFailed(await failureOf(`http://${host}:${port}`))).toMatch(new RegExp(`^connect ECONNREFUSED .*:${port}$`));
});

it('takes what is no failure of the network as it is', () => {
  expect(whyFetchFailed(new Error('too late'))).toBe('too late');
  expect(whyFetchFailed('over')).toBe('over');
});
