import type {} from '../../../../test/browser/global-setup.ts';
import { sql } from 'drizzle-orm';
import { afterEach, expect, inject, it } from 'vitest';
import { notebook, notes } from '../../../../test/browser/worker-room.ts';
import type { Client } from '../client.ts';
import { createClient } from '../create-client.ts';

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

let roomNumber = 0;

function open() {
  let started = 0;
  const client = createClient({
    url: inject('serverUrl'),
    workerBudgetMs: 1_000,
    worker: () => {
      started += 1;
      return new Worker(new URL('../../../../test/browser/notebook.worker.ts', import.meta.url), { type: 'module' });
    },
  });
  clients.push(client);
  roomNumber += 1;
  return { room: client.room(notebook, `reads-${roomNumber}`), started: () => started };
}

const endless = sql<{ n: number }>`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS n FROM n`;
const count = sql<{ n: number }>`select count(*) as n from ${notes}`;
const waitMs = 30_000;

it('[RD-40][RD-41] a read on the server crosses the worker: own writes, values of every kind, codes', async () => {
  const { room } = open();
  for (let n = 1; n <= 5; n++) {
    room.mutate.add({ id: `n${n}`, size: n });
    expect((await room.sql(count, { waitMs })).rows).toEqual([{ n }]);
  }
  const { rows, bookmark } = await room.sql(sql`select x'01ff' as blob, 1.5 as real, null as nil`, { waitMs });
  expect(rows).toEqual([{ blob: new Uint8Array([1, 255]), real: 1.5, nil: null }]);
  expect((await room.sql((db) => db.select().from(notes).orderBy(notes.id).limit(1), { at: bookmark })).rows).toEqual([
    { id: 'n1', size: 1 },
  ]);
  await expect(room.sql(sql`select missing from ${notes}`, { waitMs })).rejects.toMatchObject({ name: 'AlcoveError', code: 'sql_failed' });
});

it('[RD-53] a worker that dies takes no read with it', async () => {
  const { room, started } = open();
  await room.mutate.add({ id: 'a', size: 1 }).confirmed;
  const held = room.read(endless);
  const [reads, stuck] = await Promise.allSettled([room.sql(count, { waitMs }), held]);
  expect(stuck).toMatchObject({ status: 'rejected', reason: { code: 'query_timeout' } });
  expect(reads).toMatchObject({ status: 'fulfilled', value: { rows: [{ n: 1 }] } });
  expect(started()).toBe(2);
});

it('[RD-54] a read that is aborted is ended on the server: the next ones are answered', async () => {
  const { room } = open();
  await room.mutate.add({ id: 'a', size: 1 }).confirmed;
  const abort = new AbortController();
  const all = Array.from({ length: 8 }, () => room.sql(endless, { signal: abort.signal, waitMs }));
  const ended = Promise.allSettled(all);
  abort.abort();
  for (const one of await ended) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'closed' } });
  expect((await room.sql(count, { waitMs })).rows).toEqual([{ n: 1 }]);
});
