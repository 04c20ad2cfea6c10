import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { createFetchImage } from './fetch-image.ts';
import { eventually } from '../../../../test/fake/eventually.ts';

it('[CN-17] tells of every little that comes on a slow link, so that nobody takes it for a stall', async () => {
  const answers: ServerResponse[] = [];
  const http = createServer((_request, response) => {
    response.writeHead(200, { 'x-alcove-image-bytes': '30' });
    answers.push(response);
    response.write('0123456789');
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('no port');
  let nowMs = 0;
  const fetchImage = createFetchImage(`ws://127.0.0.1:${address.port}/sync`, () => (nowMs += 5_000));
  const progress: number[] = [];
  const image = fetchImage({ path: '/sync/image', ticket: 't' }, ({ bytes }) => void progress.push(bytes), new AbortController().signal);
  for (const come of [10, 20]) {
    await eventually(() => expect(progress.at(-1)).toBe(come));
    answers[0]?.write('0123456789');
  }
  await eventually(() => expect(progress).toEqual([10, 20, 30]));
  answers[0]?.end();
  expect((await image).bytes).toHaveLength(30);
  http.close();
});
